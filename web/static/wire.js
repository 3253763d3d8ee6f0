// The wire as it flows, for learning the protocol: newest first, each frame with a word about what it is.
import { asIs, byId, element, icon, setAttribute, setText } from "./dom.js";
import { count, has, say } from "./texts.js";
import { fineClock } from "./time.js";

/** As one reads it: laid out where it is whole, as it is where it was cut. */
function pretty(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

const brief = ({ way, type, size, text }) => {
  if (way !== "here") return say("wire.bytes", { n: count(size) });
  return type === "close" ? say("wire.closed", { code: text }) : say("wire.opened");
};

function body(frame) {
  const parts = [];
  if (has(`frame.${frame.type}`)) parts.push(element("p", {}, say(`frame.${frame.type}`)));
  if (frame.way !== "here") parts.push(asIs("pre", pretty(frame.text), { tabindex: "0" }));
  if (frame.cut) parts.push(element("p", {}, say("wire.cut", { n: count(frame.size) })));
  return parts;
}

function lineOf(frame) {
  const arrow = icon(`wire-${frame.way}`);
  const way = element("span", { class: "hidden-label" }, say(`wire.${frame.way}`));
  const time = element("time", {}, fineClock(frame.at));
  const summary = element("summary", {}, arrow, way, asIs("code", frame.type || "?"), element("span", { class: "size" }, brief(frame)), time);
  const details = element("details", {}, summary);
  details.addEventListener("toggle", () => details.childElementCount > 1 || details.append(...body(frame)));
  return element("li", { "data-way": frame.way, "data-type": frame.type, "data-n": frame.n }, details);
}

export class Wire {
  #frame = 0;

  constructor(tap) {
    this.tap = tap;
    this.list = byId("wire");
    tap.hidden = say("wire.hidden");
    tap.onFrame = () => this.soon();
    byId("wire-pause").addEventListener("click", () => (tap.pause(!tap.paused), this.draw()));
    byId("wire-clear").addEventListener("click", () => (tap.clear(), this.draw()));
  }

  soon() {
    this.#frame ||= requestAnimationFrame(() => this.draw());
  }

  /** Adds what is new and drops what is no longer kept; nothing while nobody looks. */
  draw() {
    this.#frame = 0;
    const { frames, paused, missed } = this.tap;
    byId("wire-empty").hidden = frames.length > 0;
    setText(byId("wire-pause"), say(paused ? "wire.go" : "wire.pause"));
    setAttribute(byId("wire-pause"), "aria-pressed", paused);
    setText(byId("wire-missed"), missed > 0 ? say("wire.missed", { n: count(missed) }) : "");
    if (this.list.closest("[hidden]")) return;
    const newest = Number(this.list.firstElementChild?.dataset.n ?? 0);
    this.list.prepend(...frames.filter(({ n }) => n > newest).map(lineOf).reverse());
    const kept = new Set(frames.map(({ n }) => String(n)));
    for (const li of [...this.list.children]) if (!kept.has(li.dataset.n)) li.remove();
  }

  speak() {
    this.tap.hidden = say("wire.hidden");
    this.list.replaceChildren();
    this.draw();
  }
}
