// Everybody on the page: what each is in, how many there are of each kind, and whom to show in which order. Pure.
import { deviceLabel } from "./devices.js";
import { changeOf, stateOf } from "./format.js";

/** Names as people sort them: user-9 before user-10. */
export const byName = new Intl.Collator("en", { numeric: true }).compare;

const RANK = { online: 0, unknown: 1, offline: 2 };

/** How to sort; `rank` is the place by name, worked out once as names never change. */
export const ORDERS = {
  name: (a, b) => a.rank - b.rank,
  online: (a, b) => RANK[a.state] - RANK[b.state] || a.rank - b.rank,
  recent: (a, b) => b.changedAt - a.changedAt || a.rank - b.rank,
};

class Person {
  presence = null;
  state = "unknown";
  changedAt = 0; // observed_at
  changed = false; // the page has seen this state come about
  glowAt = 0; // when it came about, ms; for the rows

  #haystack = null;

  constructor(uid, rank) {
    this.uid = uid;
    this.rank = rank;
  }

  take(presence, change, now) {
    this.changed = change !== null || (this.changed && presence.observed_at === this.changedAt);
    if (change) this.glowAt = now;
    this.presence = presence;
    this.state = stateOf(presence);
    this.changedAt = presence.observed_at;
    this.#haystack = null;
  }

  /** What a search looks through: made when one does, for most people change more often than they are sought. */
  get haystack() {
    const { ext = "", status = {} } = this.presence ?? {};
    const devices = Object.keys(status);
    return (this.#haystack ??= [this.uid, ext, ...devices, ...devices.map(deviceLabel)].join(" ").toLowerCase());
  }
}

export class People {
  counts = { online: 0, offline: 0, unknown: 0 };
  #people = new Map(); // uid -> Person

  /** Starts with these people, none of whom is known yet. */
  populate(uids) {
    const people = [...uids].sort(byName).map((uid, rank) => new Person(uid, rank));
    this.#people = new Map(people.map((person) => [person.uid, person]));
    this.counts = { online: 0, offline: 0, unknown: people.length };
  }

  get(uid) {
    return this.#people.get(uid);
  }

  /** Takes a state over; returns the change that it is, or null. Whoever is not one of them is let be. */
  take(presence, now = Date.now()) {
    const person = this.#people.get(presence.uid);
    if (!person) return null;
    const change = changeOf(person.presence, presence);
    this.counts[person.state]--;
    person.take(presence, change, now);
    this.counts[person.state]++;
    return change;
  }

  /** Those who match, in order. `show` is all or a state, `search` any text. */
  arranged({ show = "all", search = "", sort = "online" } = {}) {
    const sought = search.trim().toLowerCase();
    const fits = (p) => (show === "all" || p.state === show) && (sought === "" || p.haystack.includes(sought));
    return [...this.#people.values()].filter(fits).sort(ORDERS[sort]);
  }
}
