// One user in detail: devices, why they are shown so, and what the log holds of them.
import { deviceKind, inOrder } from "./devices.js";
import { asIs, byId, element, icon, setText } from "./dom.js";
import { happenedText, historyLine, sourceText, subscriptionText, verifiedText, whyText } from "./explain.js";
import { deviceWord, hue, initials, stateOf, stateWord } from "./format.js";
import { language, say, sayError } from "./texts.js";
import { ago, moment } from "./time.js";

const AGAIN_MS = 800; // after a change: the log may be asked at the pace of one who reads
const narrow = matchMedia("(max-width: 1020px)");

function deviceLine(device, value) {
  const name = asIs("span", device, { class: "device" });
  const word = element("span", { class: "word" }, deviceWord(value));
  return element("li", { "data-status": value }, icon(deviceKind(device)), name, word);
}

function historyItem(change, now) {
  const { kind, text, when, detail } = historyLine(change, now);
  const time = element("time", { datetime: new Date(change.observed_at).toISOString() }, when);
  return element("li", { "data-kind": kind }, icon(kind), element("span", { class: "what" }, text), time, element("span", { class: "detail" }, detail));
}

export class Panel {
  uid = "";
  #record = null; // {changes, subscription, feed} of the hub, or {failed}, or null while it is asked
  #asking = new AbortController();
  #timer = 0;
  #devices = ""; // which are drawn, in which language
  #history = []; // what is drawn: the record, the language
  #left = null; // where one was when the panel came to lie above the page

  /** `look` gives a user's presence, `facts` {stale, asOf}; `onClose` hears whose panel it was. */
  constructor({ api, look, facts, onClose }) {
    Object.assign(this, { api, look, facts, onClose });
    this.el = byId("panel");
    narrow.addEventListener("change", () => this.uid && this.#move());
    byId("panel-close").addEventListener("click", () => this.close());
    byId("panel-again").addEventListener("click", () => this.#load());
    this.el.addEventListener("cancel", (event) => (event.preventDefault(), this.close()));
    this.el.addEventListener("keydown", (event) => event.key === "Escape" && (event.preventDefault(), this.close()));
  }

  open(uid) {
    this.uid = uid;
    this.#record = null;
    this.#left = null;
    this.draw();
    this.#show();
    byId("panel-title").focus();
    this.#load();
  }

  /** Above the page where that is narrow, beside the list elsewhere. */
  #show() {
    this.el.close();
    if (narrow.matches) this.el.showModal();
    else this.el.show();
  }

  /** The width has changed. Whoever types beside the panel goes on there, unless the page is out of reach behind it. */
  #move() {
    const had = document.activeElement;
    const inside = this.el.contains(had);
    this.#show();
    const to = narrow.matches ? (inside ? had : byId("panel-title")) : (this.#left ?? had);
    this.#left = narrow.matches && !inside ? had : null;
    to.focus({ preventScroll: true });
  }

  close() {
    const { uid } = this;
    this.uid = "";
    this.#asking.abort();
    clearTimeout(this.#timer);
    this.el.close();
    this.onClose(uid);
  }

  /** The one who is open has changed: it is shown at once, and what the log holds soon. */
  changed() {
    this.draw();
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#load(), AGAIN_MS);
  }

  async #load() {
    this.#asking.abort();
    const { signal } = (this.#asking = new AbortController());
    const record = await this.api.history(this.uid, signal).catch((err) => ({ failed: err }));
    if (signal.aborted) return;
    this.#record = record;
    this.draw();
  }

  draw() {
    if (!this.uid) return;
    const presence = this.look(this.uid);
    this.el.dataset.state = stateOf(presence);
    this.el.setAttribute("aria-label", say("panel.label", { uid: this.uid }));
    setText(byId("panel-initials"), initials(this.uid));
    byId("panel-avatar").style.setProperty("--hue", hue(this.uid));
    setText(byId("panel-title"), this.uid);
    setText(byId("panel-word"), stateWord(presence));
    setText(byId("panel-ext"), presence?.ext ?? "");
    this.#drawDevices(presence?.status ?? {});
    const now = this.api.clock.now();
    this.#drawWhy(presence, now);
    this.#drawHistory(now);
  }

  #drawDevices(status) {
    const drawn = `${language()} ${JSON.stringify(status)}`;
    if (drawn === this.#devices) return;
    this.#devices = drawn;
    const devices = inOrder(status);
    byId("panel-no-devices").hidden = devices.length > 0;
    byId("panel-devices").replaceChildren(...devices.map((device) => deviceLine(device, status[device])));
  }

  #drawWhy(presence, now) {
    const { stale, asOf } = this.facts();
    const { state, doubt } = whyText(presence, stale);
    const newest = this.#record?.changes?.[0];
    const facts = [
      ["state", [state, doubt].filter(Boolean).join(" ")],
      ["verified", verifiedText(presence, asOf ?? this.#record?.feed?.as_of, now)],
      ["happened", newest && happenedText(newest, now)],
      ["source", newest && sourceText(newest.source)],
      ["active", presence?.last_time > 0 && say("active.at", { time: moment(presence.last_time), ago: ago(presence.last_time, now) })],
      ["subscription", this.#record?.changes && subscriptionText(this.#record.subscription, now)],
    ].filter(([, text]) => text);
    this.#drawFacts(facts);
  }

  /** In place where it can be: whoever reads or marks a text keeps it. */
  #drawFacts(facts) {
    const el = byId("panel-facts");
    const names = facts.map(([name]) => name).join(" ");
    if (el.dataset.facts !== names) {
      el.dataset.facts = names;
      el.replaceChildren(...facts.map(([name]) => element("div", { "data-fact": name }, element("dt"), element("dd"))));
    }
    facts.forEach(([name, text], i) => {
      setText(el.children[i].firstElementChild, say(`panel.${name}`));
      setText(el.children[i].lastElementChild, text);
    });
  }

  #drawHistory(now) {
    const drawn = [this.#record, language()];
    if (drawn.every((part, i) => part === this.#history[i])) return;
    this.#history = drawn;
    const changes = this.#record?.changes ?? [];
    byId("panel-history").replaceChildren(...changes.map((change) => historyItem(change, now)));
    setText(byId("panel-history-note"), this.#historyNote());
    byId("panel-again").hidden = !this.#record?.failed;
  }

  #historyNote() {
    if (!this.#record) return say("panel.history.loading");
    const { failed, changes } = this.#record;
    if (failed) return say("panel.history.failed", { why: failed.status === 0 ? say("panel.unreachable") : sayError(failed.code) });
    return changes?.length > 0 ? "" : say("panel.history.empty");
  }
}
