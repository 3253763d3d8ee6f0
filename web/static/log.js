// The last changes, newest first, and how many there are a second.
import { element, icon } from "./card.js";
import { clock, moment } from "./format.js";

const KEEP = 80;
const SECONDS = 60;
const AVERAGE_OVER = 10;

export class Log {
  #waiting = [];
  #frame = 0;

  constructor(list, empty) {
    this.list = list;
    this.empty = empty;
  }

  add({ uid, observed_at }, { kind, text, title }) {
    this.#waiting.push({ uid, observed_at, kind, text, title });
    if (this.#waiting.length > KEEP) this.#waiting.shift();
    this.#frame ||= requestAnimationFrame(() => this.#draw());
  }

  #draw() {
    this.#frame = 0;
    this.empty.hidden = true;
    const lines = this.#waiting.reverse().map(({ uid, observed_at, kind, text, title }) =>
      element("li", { "data-kind": kind }, icon(kind), element("span", { class: "what", ...(title && { title }) }, element("strong", {}, uid), ` ${text}`), element("time", { datetime: new Date(observed_at).toISOString(), title: moment(observed_at) }, clock(observed_at))),
    );
    this.#waiting = [];
    this.list.prepend(...lines);
    while (this.list.childElementCount > KEEP) this.list.lastElementChild.remove();
  }
}

/** Counts per second over the last minute. Pure. */
export class Rate {
  #buckets = new Array(SECONDS + 1).fill(0); // the last one is the second that is running
  #age = 0;

  hit() {
    this.#buckets[SECONDS]++;
  }

  /** Called once a second. */
  turn() {
    this.#buckets.shift();
    this.#buckets.push(0);
    this.#age++;
  }

  /** Over the last full seconds, at most ten. */
  get perSecond() {
    const full = Math.min(this.#age, AVERAGE_OVER);
    if (full === 0) return 0;
    return this.#buckets.slice(-1 - full, -1).reduce((a, b) => a + b, 0) / full;
  }

  /** "x,y x,y ..." in a box of 59 by 20, a touch below the top. */
  get points() {
    const full = this.#buckets.slice(0, -1);
    const top = Math.max(4, ...full);
    return full.map((n, x) => `${x},${(19 - (n / top) * 17).toFixed(1)}`).join(" ");
  }
}
