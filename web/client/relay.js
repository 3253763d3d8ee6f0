// A hub of its own for the tabs of one user: it says to each what a hub would, from what one client holds.
// Tabs come and go by ports; whom they watch is merged by the client. While the connection is lost they are told
// that the feed is down, and keep what they hold.
import { lifeOf } from "./frames.js";

const HEARTBEAT_MS = 25_000;
const SILENT_MS = 4 * HEARTBEAT_MS; // a tab that crashed says no goodbye
const SWEEP_MS = 5000;

export class Relay {
  #create;
  #client = null;
  #token;
  #tabs = new Map(); // port -> {port, offs, asked, changed, heardAt}
  #sweeper = null;

  /** `create(options)` makes the client, which lends its clock. */
  constructor(create) {
    this.#create = create;
  }

  attach(port) {
    port.onmessage = ({ data: { open, say, wake, leave } }) => {
      const tab = this.#tabs.get(port);
      if (tab) tab.heardAt = this.#client.clock.now();
      if (open) this.#open(port, open);
      if (say && tab) this.#onMessage(tab, say);
      if (wake) this.#client?.connect();
      if (leave && tab) this.#leave(tab);
    };
    port.start?.();
  }

  #open(port, { url, token }) {
    if (!this.#client) this.#begin(url, token);
    else this.#take(token).catch(() => {});
    const tab = { port, offs: new Map(), asked: [], changed: new Map(), heardAt: this.#client.clock.now() };
    this.#tabs.set(port, tab);
    this.#welcome(tab);
    this.#sweepLater();
  }

  #begin(url, token) {
    this.#token = token;
    const client = (this.#client = this.#create({ url, token }));
    client.addEventListener("welcome", () => this.#all((tab) => this.#welcome(tab)));
    client.addEventListener("feed", () => this.#tellFeed());
    client.addEventListener("status", () => this.#tellFeed());
    client.addEventListener("error", ({ detail }) => detail.fatal && this.#giveUp(detail));
  }

  /** Tabs bring fresh tokens; the one that is good for longest counts, and opens what was closed for want of it. */
  async #take(token) {
    const client = this.#client;
    const now = client.clock.now();
    const longer = (lifeOf(token, now) ?? 0) > (lifeOf(this.#token, now) ?? 0);
    if (!longer && client.status !== "closed") return;
    this.#token = client.token = token;
    if (client.status === "open" || client.status === "closed") await client.renew();
  }

  /** For good, as the hub has said: each tab decides by the close code, and may come with another token. */
  #giveUp({ closeCode = 1006, message }) {
    this.#all((tab) => {
      tab.port.postMessage({ close: { code: closeCode, reason: message } });
      this.#leave(tab);
    });
  }

  // -- what tabs say

  #onMessage(tab, m) {
    const ok = () => this.#say(tab, { type: "ok", id: m.id });
    const refused = (err) => this.#say(tab, { type: "error", id: m.id, code: err.code ?? "token", message: err.message });
    if (m.type === "subscribe") this.#subscribe(tab, m);
    else if (m.type === "unsubscribe") this.#unsubscribe(tab, m), ok();
    else if (m.type === "set") this.#client.set(m).then(ok, refused);
    else if (m.type === "auth") this.#take(m.token).then(ok, refused);
    else this.#say(tab, { type: "pong", id: m.id });
  }

  /** Answers when something can be said of everybody, or at once where there is no connection to wait for. */
  #subscribe(tab, { id, uids }) {
    const missing = new Set(uids);
    const asked = { id, uids, missing };
    tab.asked.push(asked);
    for (const uid of uids) {
      tab.offs.get(uid)?.();
      tab.offs.set(uid, this.#client.watch([uid], (view) => this.#tell(tab, view)));
    }
    if (this.#client.status !== "open") missing.clear();
    this.#answer(tab);
  }

  #unsubscribe(tab, { uids }) {
    for (const uid of uids) {
      tab.offs.get(uid)?.();
      tab.offs.delete(uid);
    }
  }

  // -- what tabs are told

  #tell(tab, view) {
    let first = false;
    for (const { missing } of tab.asked) first = missing.delete(view.uid) || first;
    if (first) return this.#answer(tab);
    if (tab.changed.size === 0) queueMicrotask(() => this.#tellChanged(tab));
    tab.changed.set(view.uid, view);
  }

  #answer(tab) {
    for (const asked of tab.asked.filter((a) => a.missing.size === 0)) {
      tab.asked.splice(tab.asked.indexOf(asked), 1);
      this.#say(tab, this.#states(asked.uids, asked.id));
    }
  }

  #tellChanged(tab) {
    const uids = [...tab.changed.keys()].filter((uid) => tab.offs.has(uid));
    tab.changed.clear();
    if (uids.length > 0) this.#say(tab, this.#states(uids));
  }

  /** What is held of them. It replaces whatever the tab holds: the client has weighed already what is newer. */
  #states(uids, id) {
    const views = uids.map((uid) => this.#client.get(uid) ?? { uid });
    return {
      type: "subscribed", id, complete: false,
      presences: views.filter((v) => v.online != null && !v.denied),
      pending: views.filter((v) => !v.known && !v.denied).map((v) => v.uid),
      denied: views.filter((v) => v.denied).map((v) => v.uid),
    };
  }

  #welcome(tab) {
    const { session, uid, limits } = this.#client;
    this.#say(tab, { type: "welcome", session, uid, limits, heartbeat_ms: HEARTBEAT_MS, feed: this.#feed() });
  }

  #feed() {
    const { status, feed, asOf } = this.#client;
    if (status === "open") return feed ?? undefined;
    return { state: "down", as_of: asOf, reason: "the connection is lost", codes: ["connection_lost"] };
  }

  #tellFeed() {
    const feed = this.#feed();
    this.#all((tab) => {
      if (feed) this.#say(tab, { type: "feed", ...feed });
      if (this.#client.status === "open") return;
      for (const { missing } of tab.asked) missing.clear();
      this.#answer(tab);
    });
  }

  #say(tab, say) {
    if (this.#tabs.has(tab.port)) tab.port.postMessage({ say });
  }

  // -- tabs that go

  #all(f) {
    for (const tab of [...this.#tabs.values()]) f(tab);
  }

  #leave(tab) {
    this.#tabs.delete(tab.port);
    this.#unsubscribe(tab, { uids: [...tab.offs.keys()] });
  }

  #sweepLater() {
    this.#sweeper ??= this.#client.clock.setTimeout(() => this.#sweep(), SWEEP_MS);
  }

  /** Lets go of tabs that have crashed, and of the connection when the last one has gone or fallen asleep. */
  #sweep() {
    this.#sweeper = null;
    const now = this.#client.clock.now();
    this.#all((tab) => {
      if (now - tab.heardAt < SILENT_MS) return;
      tab.port.postMessage({ close: { code: 1001, reason: "not heard of for long" } });
      this.#leave(tab);
    });
    if (this.#tabs.size > 0) return this.#sweepLater();
    this.#client.close();
    this.#client = null;
  }
}
