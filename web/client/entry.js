// One watched user: what is held, and what callers see of it. Pure.

/** A user of whom nothing was ever told. */
const NOBODY = Object.freeze({ online: null, status: Object.freeze({}), ext: "", last_time: 0, observed_at: 0 });

export class Entry {
  watchers = new Set(); // one {callback} per watch(), so that the same function may watch twice
  held = null; // the newest presence
  known = false; // the hub vouches for what is held
  denied = false;
  request = null; // id of the subscribe sent on this connection; null: the hub was not asked
  view = null; // what callers see; null until there is something to say

  constructor(uid) {
    this.uid = uid;
  }

  /** Takes a presence over unless it is older than the one held; says whether anything changed. */
  take(p, replace) {
    const wasKnown = this.known;
    this.known = true;
    this.denied = false;
    if (!replace && p.observed_at < this.held?.observed_at) return !wasKnown;
    if (wasKnown && JSON.stringify(p) === JSON.stringify(this.held)) return false;
    this.held = p;
    return true;
  }

  /** The hub has no state, or will not tell: what is held stays, as stale. */
  doubt(denied) {
    if (this.view && !this.known && this.denied === denied) return false;
    this.known = false;
    this.denied = denied;
    return true;
  }

  /** What callers see; `stale` says that everything is. */
  look(stale) {
    const { uid, known, denied, held } = this;
    const p = held ?? NOBODY;
    const state = p.online === null ? "unknown" : p.online ? "online" : "offline";
    this.view = Object.freeze({ uid, ...p, state, known, denied, stale: held !== null && (stale || !known) });
    return this.view;
  }
}
