// One person on the page. Touches only the parts of its element that changed.
import { deviceIcon, deviceLabel, deviceWord, foldDevices, hue, initials, stateOf, stateWord, whenText } from "./format.js";

const SVG = "http://www.w3.org/2000/svg";

export function element(tag, attributes = {}, ...children) {
  const el = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) el.setAttribute(name, value);
  el.append(...children);
  return el;
}

export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `#icon-${name}`);
  svg.append(use);
  return svg;
}

const setText = (el, text) => {
  if (el.textContent !== text) el.textContent = text;
};

const newChip = (device) => element("li", { "data-device": device }, icon(deviceIcon(device)), element("span"));

function drawChip(chip, value) {
  if (chip.dataset.status === value) return chip;
  const { device } = chip.dataset;
  const label = deviceLabel(device);
  const custom = value !== "0" && value !== "1";
  chip.dataset.status = value;
  chip.title = `${device}: ${deviceWord(value)}`;
  chip.setAttribute("aria-label", `${label}: ${deviceWord(value)}`);
  chip.classList.toggle("custom", custom);
  chip.lastElementChild.textContent = custom ? `${label}: ${value}` : label;
  return chip;
}

export class Card {
  presence = null;
  state = "unknown";
  changedAt = 0; // observed_at, for sorting
  #changed = false; // the page has seen this state come about
  #feedStale = false;
  #fold = null; // the chip that stands for devices long offline, made when first needed
  #unfolded = false;
  haystack = ""; // what a search looks through

  constructor(uid, rank) {
    this.uid = uid;
    this.rank = rank;
    this.word = element("span", { class: "word" });
    this.devices = element("ul", { class: "devices", "aria-label": "devices" });
    this.ext = element("p", { "data-ext": "", class: "ext" });
    this.observed = element("span");
    this.active = element("span");
    this.when = element("p", { class: "when" }, this.observed, this.active);
    const avatar = element("div", { class: "avatar", "aria-hidden": "true" }, element("span", {}, initials(uid)), element("i", { class: "mark" }));
    avatar.style.setProperty("--hue", hue(uid));
    const name = element("strong", { class: "uid", title: uid }, uid);
    const who = element("div", { class: "who" }, name, this.word);
    this.el = element("li", { class: "card", "data-uid": uid, "data-observed-at": "0" }, avatar, who, this.ext, this.devices, this.when);
    this.#draw();
  }

  /** Shows a newer state; `lively` makes the card glow for a moment. */
  update(presence, lively) {
    this.#changed = lively || (this.#changed && presence.observed_at === this.changedAt);
    this.presence = presence;
    this.state = stateOf(presence);
    this.changedAt = presence.observed_at;
    this.#draw();
    if (lively) this.#flash();
  }

  /** Keeps "12 s ago" true, and says what was observed rather than what is while the page is stale. */
  tick(now, stale = this.#feedStale) {
    this.#feedStale = stale;
    const { left, right, title } = whenText(this.presence, now, { stale, changed: this.#changed });
    setText(this.observed, left);
    setText(this.active, right);
    if (this.when.title !== title) this.when.title = title;
  }

  #draw() {
    const p = this.presence;
    const data = this.el.dataset;
    data.state = this.state;
    data.observedAt = String(p?.observed_at ?? 0);
    data.held = String(Boolean(p?.stale && !p.known)); // a state from before, which nobody vouches for now
    data.denied = String(Boolean(p?.denied));
    setText(this.word, stateWord(p));
    setText(this.ext, p?.ext ?? "");
    this.ext.title = p?.ext ?? "";
    this.#drawDevices(p?.status ?? {});
    const devices = Object.keys(p?.status ?? {});
    this.haystack = [this.uid, this.ext.textContent, ...devices, ...devices.map(deviceLabel)].join(" ").toLowerCase();
    this.tick(Date.now());
  }

  /** Every device has its chip; those folded away are hidden until asked for. */
  #drawDevices(status) {
    const have = new Map([...this.devices.querySelectorAll("[data-device]")].map((chip) => [chip.dataset.device, chip]));
    const { shown, folded } = foldDevices(status);
    const chips = [...shown, ...folded].map((device) => drawChip(have.get(device) ?? newChip(device), status[device]));
    chips.forEach((chip, i) => (chip.hidden = i >= shown.length && !this.#unfolded));
    if (folded.length > 0) chips.push(this.#drawFold(folded));
    const same = chips.length === this.devices.childElementCount && chips.every((chip, i) => chip === this.devices.children[i]);
    if (!same) this.devices.replaceChildren(...chips);
  }

  #drawFold(folded) {
    this.#fold ??= this.#newFold();
    const button = this.#fold.firstElementChild;
    setText(button, this.#unfolded ? "fewer" : `+${folded.length} offline`);
    button.setAttribute("aria-expanded", String(this.#unfolded));
    button.title = `offline:\n${folded.join("\n")}`;
    return this.#fold;
  }

  #newFold() {
    const button = element("button", { type: "button" });
    button.addEventListener("click", () => {
      this.#unfolded = !this.#unfolded;
      this.#drawDevices(this.presence?.status ?? {});
    });
    return element("li", { class: "fold" }, button);
  }

  #flash() {
    // Taken off and put on again in two frames, without forcing a layout.
    this.el.classList.remove("changed");
    requestAnimationFrame(() => this.el.classList.add("changed"));
  }
}
