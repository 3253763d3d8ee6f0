// The grid of people: takes states as they come, draws them once a frame, keeps order and filter.
import { Card } from "./card.js";
import { ORDERS, byName, describeChange, stateOf } from "./format.js";

const REORDER_MS = 1000; // cards that jump about more often than this cannot be read

export class Board {
  #cards = new Map(); // uid -> Card
  #waiting = new Map(); // uid -> newest presence not drawn yet
  #counts = { online: 0, offline: 0, unknown: 0 };
  #frame = 0;
  #reorder = 0;
  #sort = "online";
  #show = "all";
  #search = "";

  /**
   * @param {HTMLElement} list
   * @param {{onCounts: Function, onChange: Function, onVisible: Function}} hooks
   */
  constructor(list, hooks) {
    this.list = list;
    this.hooks = hooks;
  }

  /** Starts with these people, none of whom is known yet. */
  populate(uids) {
    const cards = [...uids].sort(byName).map((uid, rank) => new Card(uid, rank));
    this.#cards = new Map(cards.map((card) => [card.uid, card]));
    this.#counts = { online: 0, offline: 0, unknown: cards.length };
    this.list.replaceChildren(...cards.map((card) => card.el));
    this.hooks.onCounts(this.#counts);
    this.arrange();
  }

  /** Takes a state; it is drawn with the next frame, and only the newest of several. */
  take(presence) {
    this.#waiting.set(presence.uid, presence);
    this.#frame ||= requestAnimationFrame(() => this.#draw());
  }

  sortBy(sort) {
    this.#sort = sort;
    this.arrange();
  }

  show(which) {
    this.#show = which;
    this.arrange();
  }

  search(text) {
    this.#search = text.trim().toLowerCase();
    this.arrange();
  }

  tick(now, stale) {
    for (const card of this.#cards.values()) card.tick(now, stale);
  }

  #draw() {
    this.#frame = 0;
    for (const [uid, presence] of this.#waiting) {
      const card = this.#cards.get(uid);
      if (!card) continue;
      const change = describeChange(card.presence, presence);
      this.#counts[card.state]--;
      this.#counts[stateOf(presence)]++;
      card.update(presence, change !== null);
      if (change) this.hooks.onChange(presence, change);
    }
    this.#waiting.clear();
    this.hooks.onCounts(this.#counts);
    this.#reorder ||= setTimeout(() => this.arrange(), REORDER_MS);
  }

  #visible(card) {
    return (this.#show === "all" || card.state === this.#show) && (this.#search === "" || card.haystack.includes(this.#search));
  }

  /** Hides who does not match, and brings the others into order. */
  arrange() {
    clearTimeout(this.#reorder);
    this.#reorder = 0;
    let visible = 0;
    const cards = [...this.#cards.values()].sort(ORDERS[this.#sort]);
    for (const card of cards) {
      const shown = this.#visible(card);
      visible += shown;
      if (card.el.hidden === shown) card.el.hidden = !shown;
    }
    reorder(this.list, cards.map((card) => card.el));
    this.hooks.onVisible(visible);
  }
}

/**
 * Brings the children of a list into the wanted order, moving few of them: one that went up is put
 * in its place, and one that went down steps aside, so that neither pushes all the others along.
 */
export function reorder(list, wanted) {
  let at = list.firstElementChild;
  for (const el of wanted) {
    if (at !== el && at?.nextElementSibling === el) {
      list.append(at); // until its turn comes
      at = el;
    }
    if (at === el) at = el.nextElementSibling;
    else list.insertBefore(el, at);
  }
}
