// The last changes of everybody, newest first.
import { asIs, element, icon } from "./dom.js";
import { changeText } from "./format.js";
import { clock, moment } from "./time.js";

const KEEP = 60;

function lineOf({ uid, observed_at, change }) {
  const what = element("span", { class: "what" }, asIs("strong", uid), " ", element("span", {}, changeText(change)));
  if (change.title) what.title = change.title;
  const time = element("time", { datetime: new Date(observed_at).toISOString(), title: moment(observed_at) }, clock(observed_at));
  return element("li", { "data-kind": change.kind }, icon(change.kind), what, time);
}

export class Log {
  #kept = []; // newest last
  #waiting = [];
  #frame = 0;

  constructor(list, empty) {
    this.list = list;
    this.empty = empty;
  }

  add({ uid, observed_at }, change) {
    this.#waiting.push({ uid, observed_at, change });
    if (this.#waiting.length > KEEP) this.#waiting.shift();
    this.#frame ||= requestAnimationFrame(() => this.#draw());
  }

  #draw() {
    this.#frame = 0;
    this.empty.hidden = true;
    this.#kept = [...this.#kept, ...this.#waiting].slice(-KEEP);
    this.list.prepend(...this.#waiting.map(lineOf).reverse());
    this.#waiting = [];
    while (this.list.childElementCount > KEEP) this.list.lastElementChild.remove();
  }

  /** Says it all again, in the language spoken now. */
  speak() {
    this.list.replaceChildren(...this.#kept.map(lineOf).reverse());
  }
}
