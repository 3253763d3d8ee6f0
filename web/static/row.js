// One person's row. Touches only what has changed, and may be given to somebody else when its person is out of sight.
import { deviceKind, deviceLabel, foldDevices } from "./devices.js";
import { asIs, element, icon, setAttribute, setText } from "./dom.js";
import { deviceWord, hue, initials, stateWord, whenText } from "./format.js";
import { language, say } from "./texts.js";

let rows = 0;

function chip(device, value) {
  const word = deviceWord(value);
  const label = deviceLabel(device);
  const custom = value !== "0" && value !== "1";
  const el = element("span", { class: custom ? "chip custom" : "chip", "data-device": device, "data-status": value });
  el.append(icon(deviceKind(device)), asIs("span", custom ? `${label} ${value}` : label), " ");
  if (!custom) el.append(element("span", { class: "hidden-label" }, word)); // colour and frame say it to the eye
  el.title = say("device.one", { device, word });
  return el;
}

/** The devices of a status (device -> status) as chips; as many as a row has room for. */
export function chips(status) {
  const { shown, folded } = foldDevices(status);
  const all = shown.map((device) => chip(device, status[device]));
  if (folded.length > 0) all.push(element("span", { class: "more", title: folded.join("\n") }, say("device.more", { n: folded.length })));
  return all;
}

export class Row {
  uid = "";
  #drawn = ""; // which devices, in which language
  #glowAt = 0;

  constructor() {
    this.initials = element("span");
    this.avatar = element("span", { class: "avatar", "aria-hidden": "true" }, this.initials, element("i", { class: "mark" }));
    this.name = asIs("strong", "", { class: "uid" });
    this.word = element("span", { class: "word" });
    this.devices = element("span", { class: "devices" });
    this.ext = asIs("span", "", { class: "ext", "data-ext": "" });
    this.left = element("span", { class: "left" });
    this.right = element("span", { class: "right" });
    this.when = element("span", { class: "when" }, this.left, this.right);
    const who = element("span", { class: "who" }, this.name, this.word);
    this.el = element("li", { class: "row", role: "option", id: `row-${++rows}` }, this.avatar, who, this.devices, this.ext, this.when);
  }

  /** Shows this person at this place of `count`, `top` px below the first. */
  show(person, { index, count, top, selected, active, stale, now }) {
    const other = person.uid !== this.uid;
    if (other) this.#become(person);
    this.el.classList.toggle("settled", !other); // only whoever was here before is seen to move
    this.el.style.transform = `translateY(${top}px)`;
    setAttribute(this.el, "aria-posinset", index + 1);
    setAttribute(this.el, "aria-setsize", count);
    setAttribute(this.el, "aria-selected", selected);
    this.el.classList.toggle("active", active);
    this.draw(person, now, stale);
  }

  #become({ uid, glowAt }) {
    this.uid = uid;
    this.#glowAt = glowAt;
    this.el.classList.remove("changed");
    this.el.dataset.uid = uid;
    setText(this.name, uid);
    this.name.title = uid;
    setText(this.initials, initials(uid));
    this.avatar.style.setProperty("--hue", hue(uid));
  }

  draw(person, now, stale) {
    const p = person.presence;
    const data = this.el.dataset;
    data.state = person.state;
    data.observedAt = String(p?.observed_at ?? 0);
    data.held = String(Boolean(p?.stale && !p.known)); // a state from before, which nobody vouches for now
    setText(this.word, stateWord(p));
    setText(this.ext, p?.ext ?? "");
    this.ext.title = p?.ext ?? "";
    this.#drawDevices(p?.status ?? {});
    this.tick(person, now, stale);
    if (person.glowAt > this.#glowAt) this.#glow(person.glowAt);
  }

  #drawDevices(status) {
    const drawn = `${language()} ${JSON.stringify(status)}`;
    if (drawn === this.#drawn) return;
    this.#drawn = drawn;
    this.devices.replaceChildren(...chips(status));
  }

  /** Keeps "12 s ago" true, and says what was observed rather than what is while the page is stale. */
  tick(person, now, stale) {
    const { left, right, title } = whenText(person.presence, now, { stale, changed: person.changed });
    setText(this.left, left);
    setText(this.right, right);
    if (this.when.title !== title) this.when.title = title;
  }

  #glow(at) {
    this.#glowAt = at;
    // Taken off and put on again in two frames, without forcing a layout.
    this.el.classList.remove("changed");
    requestAnimationFrame(() => this.el.classList.add("changed"));
  }
}
