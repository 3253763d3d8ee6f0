// The time by the hub's clock. What the hub tells of has the hub's time; this machine's clock may be off, and would have
// it long ago or in the future. Pure but for the clock given.

/** Learns how far the hub's clock is ahead from the header Date of its answers, a little better with each. */
export class HubClock {
  #least = 0; // ms that the hub's clock is ahead of this machine's, at least
  #most = 0;
  #heard = false;

  /** `here` is this machine's clock. Until an answer is heard the two are the same. */
  constructor(here = () => Date.now()) {
    this.here = here;
  }

  /** An answer that was asked for and came then, of this machine's time, is of `date`: Unix ms, cut off to seconds, or NaN. */
  hear(date, asked, came) {
    if (!(date > 0)) return;
    const [least, most] = [date - came, date + 999 - asked];
    const fits = this.#heard && least <= this.#most && this.#least <= most; // no clock was set anew meanwhile
    this.#least = fits ? Math.max(least, this.#least) : least;
    this.#most = fits ? Math.min(most, this.#most) : most;
    this.#heard = true;
  }

  /** When it is there at this time of this machine's. Clocks that may well agree are taken to. */
  at(time) {
    return time + Math.min(Math.max(0, this.#least), this.#most);
  }

  now() {
    return this.at(this.here());
  }
}
