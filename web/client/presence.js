// The browser client of presence-bridge: who is online, kept up to date over one connection.
//
//   import { connect } from "/presence.js";
//   const presence = connect({ token: () => fetch("/my/token").then((r) => r.text()) });
//   const off = presence.watch(["alice", "bob"], (p) => render(p.uid, p.state, p.stale));
//
// What it promises: a state never goes back in time; after a lost connection it resumes where it
// was and skips no change; a lost connection or a degraded feed makes states stale, never offline.
// No dependencies. Types are in static/presence.d.ts. Browsers get this and what it imports as one
// file, static/presence.js, which build.js makes.
import { chunkUids, closeRule, lifeOf, messages, normalUid, parseFrame } from "./frames.js";
import { Cursors } from "./cursors.js";
import { Entry } from "./entry.js";
import { BACKOFF_CAP_MS, Outbox, backoffMs } from "./outbox.js";

export { CLOSE_CODES } from "./frames.js";

const SUBPROTOCOL = "presence.v1";
const MAX_BYE_DELAY_MS = 300_000;
const WELCOME_TIMEOUT_MS = 15_000;
const ANSWER_TIMEOUT_MS = 15_000;
const PROBE_MS = 5000; // a network that has just come back answers within this
const STABLE_AFTER_MS = 10_000; // a connection that lived this long forgives the failures before it
const BLOCKED_AFTER = 2; // sockets in a row that were never welcomed
const MAX_TIMER_MS = 2 ** 31 - 1; // beyond it timers fire at once
const PAGE_EVENTS = ["online", "visibilitychange", "pagehide", "pageshow"];

const eventStream = () => import("./sse.js").then((m) => m.EventSocket);
const nothing = () => {};

/** What set() and renew() reject with: `code` is the hub's, or not_connected, disconnected, timeout. */
export class PresenceError extends Error {
  constructor(code, message) {
    super(message || code);
    this.name = "PresenceError";
    this.code = code;
  }
}

/** Begins to keep up with whoever will be watched. @see presence.d.ts */
export const connect = (options) => new PresenceClient(options);

/** @see presence.d.ts for options, events and types. */
export class PresenceClient extends EventTarget {
  /** @type {{state: string, as_of: number|null, reason: string}|null} health of the feed, as last told */
  feed = null;
  session = "";
  uid = "";

  // What is watched: outlives connections.
  #entries = new Map(); // uid -> Entry
  #views = new Map(); // uid -> its view, for `presences`
  #cursors = new Cursors();
  #dirty = new Set(); // uids whose subscription may have to change at the end of this tick
  #flushing = false;

  // The connection: replaced as a whole by #disconnected.
  #socket = null;
  #sse = false; // it is the fallback
  #welcome = null;
  #limits = null;
  #welcomedAt = 0;
  #requests = new Map(); // id -> {onAnswer, timer}
  #resuming = new Set(); // ids of subscribes that must be answered before states are current again
  #byeDelay = null;
  #outbox;

  // Coming back.
  #currentAt = null; // when what is held was last up to date; null: never was
  #status = "idle";
  #stale = true;
  #attempt = 0;
  #blocked = 0; // WebSockets in a row that were never welcomed
  #askedAnew = false;
  #opening = false; // waiting for a token
  #turn = 0; // counts connects, so that a token that arrives late finds out
  #nextId = 0;
  #timers = {}; // name -> timer, of this connection or of the wait for the next
  #bedtime = null; // timer: the page has been hidden

  constructor(options = {}) {
    super();
    this.url = socketUrl(options.url);
    this.token = options.token;
    this.WebSocket = options.WebSocket ?? globalThis.WebSocket;
    this.fallback = options.fallback ?? eventStream;
    this.sleepAfterMs = options.sleepAfterMs ?? 60_000;
    this.page = options.page ?? globalThis;
    if (!this.WebSocket && !this.fallback) throw new TypeError("no WebSocket here: pass one as options.WebSocket");
    this.clock = {
      setTimeout: options.setTimeout ?? ((f, ms) => setTimeout(f, ms)),
      clearTimeout: options.clearTimeout ?? ((t) => clearTimeout(t)),
      now: options.now ?? (() => Date.now()),
    };
    this.random = options.random ?? Math.random;
    this.#outbox = new Outbox(this.clock, (data) => this.#socket.send(data));
    // A tick later, so that listeners added right after `new` miss nothing.
    if (options.connect !== false) queueMicrotask(() => this.#status === "idle" && this.connect());
  }

  /** idle, connecting, open, stale (lost, and coming back) or closed (for good, until connect()). */
  get status() {
    return this.#status;
  }

  /** Whether what is shown may be out of date: not connected, not caught up, or the feed is not live. */
  get stale() {
    return this.#stale;
  }

  /** Unix ms up to which what is held was verified; null while nothing was. Now, while not stale. */
  get asOf() {
    if (!this.#stale) return this.clock.now();
    return this.feed && this.feed.state !== "live" ? this.feed.as_of : this.#currentAt;
  }

  /** What the hub allows this connection, as it last said; null before the first welcome. Frozen. */
  get limits() {
    return this.#limits;
  }

  /** uid -> presence of everybody watched of whom something is known. Live; read only. */
  get presences() {
    return this.#views;
  }

  get(uid) {
    return this.#views.get(normalUid(uid));
  }

  /** For the fallback, whose address has to name them: who is watched, and from where all of them can resume. */
  get wanted() {
    const uids = [...this.#entries.keys()];
    const from = new Set(uids.map((uid) => this.#since(uid)));
    return { uids, since: from.size === 1 ? [...from][0] : null };
  }

  /**
   * Calls back with the state of each uid: at once where one is held, then with each newer one.
   * Watches of the same uid share one subscription. Returns the function that ends this watch.
   */
  watch(uids, callback) {
    const names = new Set(Array.from(typeof uids === "string" ? [uids] : uids, normalUid));
    const watcher = { callback };
    for (const uid of names) {
      if (!this.#entries.has(uid)) this.#entries.set(uid, new Entry(uid));
      this.#entries.get(uid).watchers.add(watcher);
      this.#touch(uid);
    }
    for (const uid of names) {
      const view = this.#views.get(uid);
      if (view) this.#call(watcher, view);
    }
    return () => {
      for (const uid of names) {
        if (this.#entries.get(uid)?.watchers.delete(watcher)) this.#touch(uid);
      }
    };
  }

  /** Sets one's own presence; resolves when the hub has taken it, rejects with a PresenceError. */
  async set({ resource, status, ext }) {
    await this.#ask((id) => messages.set(id, { resource, status: String(status), ext: ext ?? "" }));
  }

  /** Renews the token on the open socket; without an argument the token function is asked. */
  async renew(token) {
    if (token !== undefined) this.token = token;
    if (!this.#welcome) {
      this.#disconnected(); // a connection under way carries the old token
      return this.connect();
    }
    const turn = this.#turn;
    const fresh = await this.#resolveToken();
    if (turn !== this.#turn) return; // another connection was made meanwhile, with another token
    const before = [...this.#entries.values()].filter((e) => e.denied);
    await this.#ask((id) => messages.auth(fresh, id));
    this.#renewInTime(fresh);
    // The new token may allow what the old one did not. What it does not allow any more, the hub has said by itself.
    for (const e of before) if (e.denied) (e.request = null), this.#touch(e.uid);
  }

  /** Connects now: after close(), after giving up, or instead of waiting out the back-off. */
  connect() {
    if (this.#socket || this.#opening) return this.#socket?.wake?.();
    this.#attempt = 0;
    this.#askedAnew = false;
    this.#listen("add");
    this.#open();
    if (this.page.document?.hidden) this.#onPage({});
  }

  /** Disconnects for good. What is held stays readable, as stale. */
  close() {
    this.#listen("remove");
    this.#disconnected();
    this.#setStatus("closed");
  }

  // -- connecting

  async #open() {
    this.#stopTimers();
    const turn = ++this.#turn;
    this.#opening = true;
    this.#setStatus(this.#away());
    const sse = this.fallback && (!this.WebSocket || this.#blocked >= BLOCKED_AFTER);
    let Socket = this.WebSocket;
    let token;
    let failure;
    try {
      token = await this.#resolveToken();
      if (sse) Socket = await this.fallback().catch(() => Socket);
    } catch (err) {
      failure = err;
    }
    if (turn !== this.#turn) return;
    this.#opening = false;
    if (failure) {
      this.#tokenFailed(failure);
      return this.#comeBack(this.#nextDelay());
    }
    try {
      this.#socket = new Socket(this.url, token ? [SUBPROTOCOL, `bearer.${token}`] : [SUBPROTOCOL], ...(sse ? [this] : []));
    } catch (err) {
      return this.#giveUp({ code: "connect", message: said(err) });
    }
    this.#sse = sse;
    const socket = this.#socket;
    const mine = (handle) => (event) => socket === this.#socket && handle(event);
    socket.onmessage = mine((event) => this.#onMessage(event.data));
    socket.onclose = mine((event) => this.#onClose(event.code ?? 1006, event.reason));
    const expect = (ms) => this.#welcome || this.#later("welcome", ms, () => this.#onClose(1006, "no welcome"));
    socket.onerror = mine(() => expect(0)); // a close follows at once, but in Node 20 none does
    expect(WELCOME_TIMEOUT_MS);
    this.#renewInTime(token);
  }

  async #resolveToken() {
    return typeof this.token === "function" ? this.token() : this.token;
  }

  #tokenFailed(err) {
    this.#emit("error", { code: "token", message: `asking for a token: ${said(err)}`, fatal: false });
  }

  /** Asks for another token when four fifths of the life of this one are over, more or less. */
  #renewInTime(token) {
    const life = typeof this.token === "function" ? lifeOf(token, this.clock.now()) : null;
    if (life === null) return;
    const renew = () => this.renew().catch((err) => {
      if (!this.#welcome) return; // the next connection asks anyway
      this.#tokenFailed(err);
      this.#later("renew", 5000 * (1 + this.random()), renew);
    });
    this.#later("renew", Math.min(MAX_TIMER_MS, Math.max(5000, life * (0.75 + this.random() / 10))), renew);
  }

  #onClose(code, reason = "") {
    const { promising } = this.#socket;
    const fresh = !this.#welcome;
    if (!fresh && this.clock.now() - this.#welcomedAt >= STABLE_AFTER_MS) this.#attempt = 0;
    if (promising || (!this.#sse && !fresh)) this.#blocked = 0;
    else if (!this.#sse && code === 1006) this.#blocked++;
    const byeDelay = this.#byeDelay;
    const rule = closeRule(code);
    this.#disconnected();
    const closed = { closeCode: code, reason };
    if (code === 4401 && typeof this.token === "function" && !this.#askedAnew) {
      this.#askedAnew = true;
      return this.#comeBack(this.#attempt === 0 ? (this.#attempt++, 0) : this.#nextDelay(), closed);
    }
    if (!rule.comeBack) return this.#giveUp({ code: "closed", message: reason || rule.name, ...closed });
    if (byeDelay !== null) return this.#comeBack(byeDelay, closed);
    // Over a limit: whoever hurries back makes it worse, so at least half of the cap.
    this.#comeBack(code === 4429 ? BACKOFF_CAP_MS * (0.5 + this.random() / 2) : this.#nextDelay(), closed);
  }

  #nextDelay() {
    return backoffMs(this.#attempt++, this.random);
  }

  #comeBack(delay, detail = {}) {
    this.#setStatus(this.#away(), { ...detail, retryInMs: delay });
    this.#later("reconnect", delay, () => this.#open());
  }

  #giveUp(detail) {
    this.#listen("remove");
    this.#setStatus("closed", detail);
    this.#emit("error", { ...detail, fatal: true });
  }

  /** Back to no connection; what is held stays, and remembers from where to resume. */
  #disconnected() {
    const socket = this.#socket;
    this.#socket = this.#welcome = this.#byeDelay = null;
    this.#turn++;
    this.#opening = false;
    this.#stopTimers();
    this.#outbox.clear();
    this.#resuming.clear();
    this.#cursors.disconnected();
    for (const e of this.#entries.values()) e.request = null;
    const requests = [...this.#requests.values()];
    this.#requests.clear();
    for (const { timer, onAnswer } of requests) {
      this.clock.clearTimeout(timer);
      onAnswer({ type: "error", code: "disconnected", message: "the connection was lost", local: true });
    }
    if (!socket) return;
    socket.onmessage = socket.onclose = null;
    try {
      socket.close(1000);
    } catch {
      // It was closed already.
    }
  }

  // -- the page: asleep while nobody looks, awake at once

  #listen(verb) {
    this.clock.clearTimeout(this.#bedtime);
    for (const type of PAGE_EVENTS) this.page[`${verb}EventListener`]?.(type, this.#onPage);
  }

  #onPage = ({ type }) => {
    const leaving = type === "pagehide";
    if (type === "online" || !(leaving || this.page.document?.hidden)) return this.#wake();
    this.clock.clearTimeout(this.#bedtime);
    if (leaving) this.#sleep();
    else if (this.sleepAfterMs <= MAX_TIMER_MS) this.#bedtime = this.clock.setTimeout(() => this.#sleep(), this.sleepAfterMs);
  };

  #sleep() {
    this.#disconnected();
    this.#setStatus(this.#away(), { reason: "asleep" });
  }

  /** A network that is back, or a page looked at again, is a better sign than any back-off. */
  #wake() {
    this.clock.clearTimeout(this.#bedtime);
    if (this.#welcome) this.#ping(PROBE_MS);
    else this.connect();
  }

  // -- receiving

  #onMessage(data) {
    const f = parseFrame(data);
    this.#clear("silence");
    if (!f) return;
    if (this.#status === "open") this.#currentAt = this.clock.now();
    if (f.type === "welcome") this.#onWelcome(f);
    else if (f.type === "changes") this.#onChanges(f);
    else if (f.type === "feed") this.#onFeed(f);
    else if (f.type === "bye") this.#byeDelay = f.reconnect_after_ms && Math.min(f.reconnect_after_ms, MAX_BYE_DELAY_MS);
    else this.#onAnswer(f);
  }

  #onWelcome(f) {
    const first = !this.#welcome;
    this.#welcome = f;
    this.#limits = f.limits;
    this.#outbox.perSecond = f.limits.max_messages_per_second;
    this.session = f.session;
    this.uid = f.uid;
    if (f.feed) this.#onFeed(f.feed);
    if (!first) return; // said again after a renewal
    this.#welcomedAt = this.clock.now();
    this.#askedAnew = false;
    this.#clear("welcome");
    this.#emit("welcome", { limits: f.limits });
    if (this.#welcome !== f) return; // a listener has closed the connection
    this.#later("heartbeat", f.heartbeat_ms, () => this.#beat());
    for (const uid of this.#entries.keys()) this.#dirty.add(uid);
    this.#flush();
    if (this.#resuming.size === 0) this.#setStatus("open");
  }

  #onFeed({ state, as_of, reason, codes }) {
    this.feed = { state, as_of, reason, codes };
    this.#emit("feed", this.feed);
    this.#weighStale();
  }

  #onChanges(f) {
    this.#cursors.changes(f.cursor);
    for (const p of f.presences) this.#take(p, false);
  }

  #onAnswer(f) {
    const request = this.#requests.get(f.id);
    if (request) {
      this.clock.clearTimeout(request.timer);
      this.#requests.delete(f.id);
      request.onAnswer(f);
    } else if (f.type === "error") {
      this.#emit("error", { code: f.code, message: f.message, fatal: false });
    } else if (f.type === "subscribed") {
      this.#settle(f, []); // nobody asked: a renewed token no longer covers whom the hub names
    }
  }

  #take(p, replace) {
    const e = this.#entries.get(p.uid);
    if (e?.take(p, replace)) this.#show(e);
  }

  #show(e) {
    const view = e.look(this.#stale);
    this.#views.set(e.uid, view);
    for (const watcher of [...e.watchers]) if (e.watchers.has(watcher)) this.#call(watcher, view);
  }

  #call(watcher, view) {
    try {
      watcher.callback?.(view);
    } catch (err) {
      // One bad watcher must not cost the others their news.
      this.#emit("error", { code: "callback", message: said(err), cause: err, fatal: false });
    }
  }

  // -- subscribing

  #touch(uid) {
    this.#dirty.add(uid);
    if (this.#flushing) return;
    this.#flushing = true;
    queueMicrotask(() => ((this.#flushing = false), this.#flush()));
  }

  /** Makes the hub's idea of what is watched equal to ours, in as few messages as the limits allow. */
  #flush() {
    const leaving = [];
    const joining = [];
    for (const uid of this.#dirty) {
      const e = this.#entries.get(uid);
      if (!e) continue;
      if (e.watchers.size > 0) {
        if (e.request === null) joining.push(e);
        continue;
      }
      if (e.request !== null) leaving.push(uid);
      this.#entries.delete(uid);
      this.#views.delete(uid);
      this.#cursors.forget(uid);
    }
    this.#dirty.clear();
    if (!this.#welcome) return; // the welcome asks for all
    for (const uids of chunkUids(leaving, this.#limits)) this.#send((id) => messages.unsubscribe(id, uids), nothing);
    // since -> entries: whoever lacks a state that the hub vouched for asks for all of it.
    const groups = new Map();
    for (const e of joining) {
      const since = this.#since(e.uid);
      if (!groups.has(since)) groups.set(since, []);
      groups.get(since).push(e);
    }
    for (const [since, entries] of groups) this.#subscribe(entries, since);
  }

  #since(uid) {
    return this.#entries.get(uid).known ? this.#cursors.since(uid) : null;
  }

  #subscribe(entries, since) {
    const byUid = new Map(entries.map((e) => [e.uid, e]));
    for (const uids of chunkUids(byUid.keys(), this.#limits, 512 + (since?.length ?? 0) * 2)) {
      const asked = uids.map((uid) => byUid.get(uid));
      const request = { since, live: null };
      const id = this.#send(
        (id) => messages.subscribe(id, uids, since),
        (f) => this.#onSubscribed(f, id, asked, request),
        () => (request.live = this.#cursors.live),
      );
      for (const e of asked) e.request = id;
      if (this.#status !== "open" && asked.some((e) => e.held)) this.#resuming.add(id);
    }
  }

  #onSubscribed(f, id, asked, { since, live }) {
    if (f.local && f.code === "timeout") return this.#onClose(1006, "a subscribe was not answered");
    if (f.local) return;
    const current = asked.filter((e) => e.request === id && this.#entries.get(e.uid) === e);
    if (f.type === "subscribed") {
      this.#cursors.answered(current.map((e) => e.uid), f.cursor, live);
      this.#settle(f, since === null || !f.complete ? current : []);
    } else this.#refused(f, current);
    if (this.#resuming.delete(id) && this.#resuming.size === 0) this.#setStatus("open");
  }

  /** Takes over what an answer tells. It tells everything of `whole`: whoever is missing has no state. */
  #settle(f, whole) {
    for (const p of f.presences) this.#take(p, !f.complete);
    const told = new Set(f.presences.map((p) => p.uid));
    const denied = new Set(f.denied.filter((uid) => this.#entries.has(uid)));
    const missing = whole.map((e) => e.uid).filter((uid) => !told.has(uid));
    for (const uid of new Set([...f.pending, ...denied, ...missing])) {
      const e = this.#entries.get(uid);
      if (e?.doubt(denied.has(uid))) this.#show(e);
    }
    if (denied.size > 0) this.#emit("denied", { uids: [...denied] });
  }

  /** Asks again a little later: room may have been made, or what was broken may work. */
  #refused(f, asked) {
    for (const e of asked) {
      e.request = null;
      if (e.doubt(false)) this.#show(e);
    }
    this.#emit("error", { code: f.code, message: f.message, uids: asked.map((e) => e.uid), fatal: false });
    this.#later("refused", 5000 * (1 + this.random()), () => {
      for (const e of this.#entries.values()) if (e.request === null) this.#touch(e.uid);
    });
  }

  // -- sending

  /** Queues a message; its answer, or a local error after a time-out or a disconnect, goes to onAnswer. */
  #send(build, onAnswer, onSent) {
    const id = String(++this.#nextId);
    const request = { onAnswer, timer: null };
    this.#requests.set(id, request);
    this.#outbox.push(build(id), () => {
      onSent?.();
      const late = { type: "error", id, code: "timeout", message: "the hub did not answer in time", local: true };
      request.timer = this.clock.setTimeout(() => this.#onAnswer(late), ANSWER_TIMEOUT_MS);
    });
    return id;
  }

  #ask(build) {
    return new Promise((resolve, reject) => {
      if (!this.#welcome) return reject(new PresenceError("not_connected", "not connected to the hub"));
      this.#send(build, (f) => (f.type === "error" ? reject(new PresenceError(f.code, f.message)) : resolve()));
    });
  }

  /** Whoever is silent for most of an interval after a ping is gone: a dead network is noticed within two. */
  #beat() {
    const { heartbeat_ms } = this.#welcome;
    this.#ping(heartbeat_ms * 0.9);
    this.#later("heartbeat", heartbeat_ms, () => this.#beat());
  }

  #ping(patience) {
    this.#send(messages.ping, nothing, () => this.#later("silence", patience, () => this.#onClose(1006, "heartbeat lost")));
  }

  // -- status, events, timers

  #away() {
    return this.#currentAt === null ? "connecting" : "stale";
  }

  #setStatus(status, detail = {}) {
    const changed = status !== this.#status;
    this.#status = status;
    if (status === "open") this.#currentAt = this.clock.now();
    if (changed || detail.retryInMs !== undefined) this.#emit("status", { status, ...detail });
    this.#weighStale();
  }

  #weighStale() {
    const stale = this.#status !== "open" || (this.feed !== null && this.feed.state !== "live");
    if (stale === this.#stale) return;
    this.#stale = stale;
    for (const e of this.#entries.values()) if (e.held) this.#show(e);
    this.#emit("stale", { stale, asOf: this.asOf });
  }

  #emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }

  #later(name, ms, f) {
    this.#clear(name);
    this.#timers[name] = this.clock.setTimeout(f, ms);
  }

  #clear(name) {
    this.clock.clearTimeout(this.#timers[name]);
  }

  #stopTimers() {
    for (const name in this.#timers) this.#clear(name);
  }
}

const said = (err) => String(err?.message ?? err);

function socketUrl(url = "/v1/ws") {
  const absolute = new URL(url, globalThis.location?.href);
  absolute.protocol = absolute.protocol.replace(/^http/, "ws");
  return absolute.href;
}
