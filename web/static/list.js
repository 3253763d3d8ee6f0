// The list of people: as long as there are people, with rows only where one looks. Keys move a mark through it.
import { Row } from "./row.js";
import { rowsInSight, scrollBy, stepTo } from "./window.js";

export class List {
  #people = []; // in order, those who match
  #rows = new Map(); // uid -> Row, in sight
  #spare = []; // rows without a person
  #changed = new Set(); // people whose rows are to be drawn anew
  #frame = 0;
  #refresh = 0;
  #active = ""; // uid with the mark
  #selected = ""; // uid whose details are open
  #stale = true;
  #row = 0; // height, px
  #height = -1; // of the list, px

  /** @param {HTMLElement} el a listbox @param {{now(): number}} clock @param {(uid: string) => void} onOpen */
  constructor(el, clock, onOpen) {
    Object.assign(this, { el, clock, onOpen });
    this.#measure();
    addEventListener("scroll", () => this.soon(), { passive: true });
    addEventListener("resize", () => (this.#measure(), this.soon()));
    el.addEventListener("keydown", (event) => this.#onKey(event));
    el.addEventListener("click", ({ target }) => this.#open(target.closest("[data-uid]")?.dataset.uid));
    el.addEventListener("focus", () => this.soon());
  }

  /** Shows these people, in this order. */
  arrange(people) {
    this.#people = people;
    this.draw();
  }

  /** Somebody has a newer state: it is drawn with the next frame, if in sight. */
  update(person) {
    if (!this.#rows.has(person.uid)) return;
    this.#changed.add(person);
    this.#refresh ||= requestAnimationFrame(() => this.#drawChanged());
  }

  #drawChanged() {
    this.#refresh = 0;
    for (const person of this.#changed) this.#rows.get(person.uid)?.draw(person, this.clock.now(), this.#stale);
    this.#changed.clear();
  }

  tick(stale) {
    const now = this.clock.now();
    this.#stale = stale;
    for (const person of this.#inSight().people) this.#rows.get(person.uid)?.tick(person, now, stale);
  }

  /** Says all rows anew, in the language spoken now. */
  speak() {
    for (const person of this.#inSight().people) this.#rows.get(person.uid)?.draw(person, this.clock.now(), this.#stale);
  }

  select(uid) {
    this.#selected = uid;
    if (uid) this.#active = uid;
    this.draw();
  }

  /** Draws with the next frame. */
  soon() {
    this.#frame ||= requestAnimationFrame(() => this.draw());
  }

  draw() {
    cancelAnimationFrame(this.#frame);
    this.#frame = 0;
    const count = this.#people.length;
    this.#setHeight(count * this.#row);
    const { first, people } = this.#inSight();
    this.#release(new Set(people.map((person) => person.uid)));
    const now = this.clock.now();
    people.forEach((person, i) => {
      const { uid } = person;
      const at = { index: first + i, count, top: (first + i) * this.#row, selected: uid === this.#selected, active: uid === this.#active, stale: this.#stale, now };
      this.#rowOf(uid).show(person, at);
    });
    reorder(this.el, people.map((person) => this.#rows.get(person.uid).el));
    this.#mark();
  }

  #measure() {
    this.#row = Number.parseFloat(getComputedStyle(this.el).getPropertyValue("--row")) || 60;
  }

  #setHeight(height) {
    if (height === this.#height) return;
    this.#height = height;
    this.el.style.height = `${height}px`;
  }

  #view() {
    return { top: -this.el.getBoundingClientRect().top, height: innerHeight, row: this.#row, count: this.#people.length };
  }

  #inSight() {
    const { first, last } = rowsInSight(this.#view());
    return { first, people: this.#people.slice(first, last) };
  }

  #release(wanted) {
    for (const [uid, row] of this.#rows) {
      if (wanted.has(uid)) continue;
      this.#rows.delete(uid);
      this.#spare.push(row);
      row.el.remove();
    }
  }

  #rowOf(uid) {
    if (!this.#rows.has(uid)) this.#rows.set(uid, this.#spare.pop() ?? new Row());
    return this.#rows.get(uid);
  }

  #mark() {
    const row = this.#rows.get(this.#active);
    if (row) this.el.setAttribute("aria-activedescendant", row.el.id);
    else this.el.removeAttribute("aria-activedescendant");
  }

  #onKey(event) {
    const at = this.#people.findIndex((person) => person.uid === this.#active);
    const next = stepTo(event.key, at, this.#people.length);
    if (next === null && event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    if (next === null) return this.#open(this.#active);
    this.#active = this.#people[next].uid;
    scrollTo({ top: scrollY + scrollBy(next, this.#view(), this.#covered()), behavior: "instant" });
    this.draw();
  }

  /** What stays at the upper edge of the window, and hides what is below it. */
  #covered() {
    return Number.parseFloat(getComputedStyle(this.el).scrollMarginTop) || 0;
  }

  #open(uid) {
    if (uid) this.onOpen(uid);
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
