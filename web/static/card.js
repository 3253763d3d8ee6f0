// One person on the page. Touches only the parts of its element that changed.
import { ago, clock, deviceIcon, deviceWord, hue, initials, stateOf, stateWord } from "./format.js";

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

const onlineFirst = ([a, s], [b, t]) => (s === "0") - (t === "0") || (a < b ? -1 : 1);

export class Card {
  presence = null;
  state = "unknown";
  changedAt = 0; // observed_at, for sorting
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
    this.presence = presence;
    this.state = stateOf(presence);
    this.changedAt = presence.observed_at;
    this.#draw();
    if (lively) this.#flash();
  }

  /** Keeps "12 s ago" true. */
  tick(now) {
    const p = this.presence;
    if (!p?.observed_at) return setText(this.observed, p?.denied ? "your token does not allow it" : "waiting for the first look");
    setText(this.observed, `observed ${ago(p.observed_at, now)}`);
    setText(this.active, p.last_time > 0 ? `active ${ago(p.last_time, now)}` : "");
  }

  #draw() {
    const p = this.presence;
    const data = this.el.dataset;
    data.state = this.state;
    data.observedAt = String(p?.observed_at ?? 0);
    data.held = String(Boolean(p?.stale)); // a state from before, which nobody vouches for now
    data.denied = String(Boolean(p?.denied));
    setText(this.word, stateWord(p));
    setText(this.ext, p?.ext ?? "");
    this.ext.title = p?.ext ?? "";
    this.#drawDevices(p?.status ?? {});
    this.haystack = [this.uid, this.ext.textContent, ...Object.keys(p?.status ?? {})].join(" ").toLowerCase();
    this.when.title = p?.observed_at ? `observed ${clock(p.observed_at)}${p.last_time ? `, active ${clock(p.last_time)}` : ""}` : "";
    this.tick(Date.now());
  }

  #drawDevices(status) {
    const have = new Map([...this.devices.children].map((chip) => [chip.dataset.device, chip]));
    const chips = Object.entries(status).sort(onlineFirst).map(([device, value]) => {
      const chip = have.get(device) ?? element("li", { "data-device": device }, icon(deviceIcon(device)), element("span"));
      if (chip.dataset.status !== value) {
        chip.dataset.status = value;
        chip.title = `${device}: ${deviceWord(value)}`;
        chip.setAttribute("aria-label", chip.title);
        const custom = value !== "0" && value !== "1";
        chip.classList.toggle("custom", custom);
        chip.lastElementChild.textContent = custom ? `${device} · ${value}` : device;
      }
      return chip;
    });
    const same = chips.length === this.devices.childElementCount && chips.every((chip, i) => chip === this.devices.children[i]);
    if (!same) this.devices.replaceChildren(...chips);
  }

  #flash() {
    // Taken off and put on again in two frames, without forcing a layout.
    this.el.classList.remove("changed");
    requestAnimationFrame(() => this.el.classList.add("changed"));
  }
}
