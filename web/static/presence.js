// The browser client of presence-bridge: who is online, kept up to date over one WebSocket.
//
//   import { PresenceClient } from "/presence.js";
//   const client = new PresenceClient({ token: () => fetch("/my/token").then((r) => r.text()) });
//   const stop = client.watch(["alice", "bob"], (p) => render(p.uid, p.online, p.status));
//
// What it promises: a state never goes back in time; after a lost connection it resumes where it
// was and skips no change; a lost connection or a degraded feed makes states stale, never offline.
// One file, no dependencies. Types are in presence.d.ts.

/**
 * What a WebSocket close code means. `comeBack` says whether the client reconnects by itself.
 * 4401 comes back once, and only where `token` is a function that can be asked for a new token.
 */
export const CLOSE_CODES = Object.freeze({
  1001: { name: "going away", comeBack: true },
  1006: { name: "connection lost", comeBack: true },
  1008: { name: "protocol error", comeBack: false },
  1009: { name: "too large", comeBack: false },
  1012: { name: "restarting", comeBack: true },
  1013: { name: "too slow", comeBack: true },
  4400: { name: "protocol error", comeBack: false },
  4401: { name: "token missing or expired", comeBack: false },
  4403: { name: "not allowed", comeBack: false },
  4429: { name: "over a limit", comeBack: true },
});

const SUBPROTOCOL = "presence.v1";
const DEFAULT_LIMITS = { max_uids: 1000, max_message_bytes: 65536, max_messages_per_second: 20 };
const BACKOFF_BASE_MS = 1000;
const BACKOFF_CAP_MS = 30_000;
const MAX_BYE_DELAY_MS = 300_000;
const WELCOME_TIMEOUT_MS = 15_000;
const ANSWER_TIMEOUT_MS = 15_000;
const STABLE_AFTER_MS = 10_000; // a connection that lived this long forgives the failures before it

// ---- Frames: pure ---------------------------------------------------------------------------

const isObject = (v) => typeof v === "object" && v !== null && !Array.isArray(v);
const text = (v, otherwise = "") => (typeof v === "string" ? v : otherwise);
const count = (v, otherwise) => (Number.isFinite(v) && v > 0 ? v : otherwise);
const uidList = (v) => (Array.isArray(v) ? v.filter((u) => typeof u === "string").map(normalUid) : []);

/** The vendor folds case, so the hub does, and so must the names that are compared here. */
const normalUid = (uid) => String(uid).toLowerCase();

/** One presence as the hub sent it, checked and copied; null where it cannot be used. */
export function parsePresence(v) {
  if (!isObject(v) || typeof v.uid !== "string" || v.uid === "") return null;
  if (typeof v.online !== "boolean" || !Number.isFinite(v.observed_at)) return null;
  const status = {};
  for (const [device, s] of Object.entries(isObject(v.status) ? v.status : {})) {
    if (typeof s === "string" || typeof s === "number") status[device] = String(s);
  }
  return {
    uid: normalUid(v.uid),
    online: v.online,
    status: Object.freeze(status),
    ext: text(v.ext),
    last_time: count(v.last_time, 0),
    observed_at: v.observed_at,
  };
}

function parseFeed(v) {
  if (!isObject(v) || !["live", "degraded", "down"].includes(v.state)) return null;
  return { state: v.state, as_of: count(v.as_of, null), reason: text(v.reason) };
}

const parsePresences = (v) => (Array.isArray(v) ? v : []).map(parsePresence).filter(Boolean);

// type of frame -> its fields, checked; null where the frame is of no use.
const PARSERS = {
  welcome: (f) => ({
    session: text(f.session),
    uid: text(f.uid),
    heartbeat_ms: count(f.heartbeat_ms, 25_000),
    limits: Object.fromEntries(
      Object.entries(DEFAULT_LIMITS).map(([k, d]) => [k, Math.max(1, Math.floor(count(f.limits?.[k], d)))]),
    ),
    feed: parseFeed(f.feed),
  }),
  subscribed: (f) => ({
    cursor: text(f.cursor, null),
    presences: parsePresences(f.presences),
    pending: uidList(f.pending),
    denied: uidList(f.denied),
    complete: f.complete !== false,
  }),
  changes: (f) => ({ cursor: text(f.cursor, null), presences: parsePresences(f.presences) }),
  feed: parseFeed,
  ok: () => ({}),
  pong: () => ({}),
  error: (f) => ({ code: text(f.code, "unknown"), message: text(f.message) }),
  bye: (f) => ({ reason: text(f.reason), reconnect_after_ms: count(f.reconnect_after_ms, null) }),
};

/** A frame from the hub, checked field by field; null for what is not a frame or of unknown type. */
export function parseFrame(data) {
  if (typeof data !== "string") return null;
  let f;
  try {
    f = JSON.parse(data);
  } catch {
    return null;
  }
  if (!isObject(f) || typeof f.type !== "string" || !Object.hasOwn(PARSERS, f.type)) return null;
  const fields = PARSERS[f.type](f);
  return fields && { type: f.type, id: text(f.id, null), ...fields };
}

/** The messages to the hub; `JSON.stringify` leaves out what is undefined. */
export const messages = Object.freeze({
  auth: (token, id) => ({ type: "auth", id, token }),
  subscribe: (id, uids, since) => ({ type: "subscribe", id, uids, since: since ?? undefined }),
  unsubscribe: (id, uids) => ({ type: "unsubscribe", id, uids }),
  set: (id, { resource, status, ext }) => ({ type: "set", id, resource, status, ext }),
  ping: (id) => ({ type: "ping", id }),
});

/** Splits uids so that no message names more than max_uids or grows beyond max_message_bytes. */
export function chunkUids(uids, limits, reservedBytes = 512) {
  const room = Math.max(1, limits.max_message_bytes - reservedBytes);
  const bytes = new TextEncoder();
  const chunks = [];
  let size = Infinity;
  for (const uid of uids) {
    const cost = bytes.encode(JSON.stringify(uid)).length + 1;
    if (size + cost > room || chunks.at(-1).length >= limits.max_uids) {
      chunks.push([]);
      size = 0;
    }
    chunks.at(-1).push(uid);
    size += cost;
  }
  return chunks;
}

/** Full jitter: anything from nothing to twice as much as the last time, at most 30 s. */
export const backoffMs = (attempt, random) => random() * Math.min(BACKOFF_CAP_MS, BACKOFF_BASE_MS * 2 ** Math.min(attempt, 16));

// Codes that nobody has agreed on: below 4000 they come from proxies and browsers, and pass.
const closeRule = (code) => CLOSE_CODES[code] ?? { name: `closed with ${code}`, comeBack: code < 4000 };

// ---- Cursors: pure --------------------------------------------------------------------------

/**
 * From which cursor each uid may resume, so that none skips a change. Cursors are opaque and cannot
 * be compared, so the rules rest on order alone:
 *
 * - A `changes` cursor covers every uid whose subscribe was answered before it: they share `live`.
 * - A `subscribed` cursor covers only the uids it names. They keep it as their own until the next
 *   `changes`, or join `live` at once where `live` has not moved since they were asked for: then the
 *   answer is at least as new.
 * - A uid not answered on this connection keeps the cursor of the last one, whatever comes for others.
 */
export class Cursors {
  live = null;
  #following = new Set(); // uids that resume from live
  #own = new Map(); // uid -> its own cursor
  #joining = new Set(); // uids answered on this connection, to follow live from the next changes on

  since(uid) {
    return this.#following.has(uid) ? this.live : (this.#own.get(uid) ?? null);
  }

  /** The answer to a subscribe that was sent when `live` was `liveWhenAsked`. */
  answered(uids, cursor, liveWhenAsked) {
    if (cursor === null) return;
    if (this.live === null) this.live = liveWhenAsked = cursor;
    for (const uid of uids) {
      if (liveWhenAsked === this.live) this.#follow(uid);
      else {
        this.forget(uid);
        this.#own.set(uid, cursor);
        this.#joining.add(uid);
      }
    }
  }

  changes(cursor) {
    if (cursor === null) return;
    this.live = cursor;
    for (const uid of this.#joining) this.#follow(uid);
  }

  disconnected() {
    for (const uid of this.#following) this.#own.set(uid, this.live);
    this.#following.clear();
    this.#joining.clear();
    this.live = null;
  }

  forget(uid) {
    for (const held of [this.#following, this.#own, this.#joining]) held.delete(uid);
  }

  #follow(uid) {
    this.forget(uid);
    this.#following.add(uid);
  }
}

// ---- One watched user -----------------------------------------------------------------------

class Entry {
  watchers = new Set(); // one {callback} per watch(), so that the same function may watch twice
  state = null; // the newest presence held
  known = false; // the hub vouches for state
  denied = false;
  request = null; // id of the subscribe sent on this connection; null: the hub was not asked
  view = null; // what callers see; null until there is something to say

  constructor(uid) {
    this.uid = uid;
  }

  /** Takes a presence over unless it is older than the one held; says whether anything changed. */
  take(p, replace) {
    const wasKnown = this.known;
    this.known = true;
    this.denied = false;
    if (!replace && this.state && p.observed_at < this.state.observed_at) return !wasKnown;
    if (wasKnown && JSON.stringify(p) === JSON.stringify(this.state)) return false;
    this.state = p;
    return true;
  }

  /** The hub has no state, or will not tell: what is held stays, as stale. */
  doubt(denied) {
    if (this.view && !this.known && this.denied === denied) return false;
    this.known = false;
    this.denied = denied;
    return true;
  }

  look() {
    const held = this.state ?? { uid: this.uid, online: null, status: Object.freeze({}), ext: "", last_time: 0, observed_at: 0 };
    this.view = Object.freeze({ ...held, known: this.known, denied: this.denied, stale: !this.known && this.state !== null });
    return this.view;
  }
}

// ---- Pacing ---------------------------------------------------------------------------------

/** Sends in order and stays under the hub's messages per second, with a fifth to spare for jitter on the way. */
class Outbox {
  #queue = [];
  #sentAt = []; // when the latest messages went, at most one window of them
  #timer = null;

  constructor(timers, transmit) {
    this.timers = timers;
    this.transmit = transmit;
    this.perSecond = 1;
  }

  push(message, onSent) {
    this.#queue.push({ message, onSent });
    this.#drain();
  }

  clear() {
    this.timers.clearTimeout(this.#timer);
    this.#timer = null;
    this.#queue = [];
    this.#sentAt = [];
  }

  #drain() {
    if (this.#timer !== null) return;
    const room = Math.max(1, Math.floor(this.perSecond * 0.8));
    while (this.#queue.length > 0) {
      const now = this.timers.now();
      this.#sentAt = this.#sentAt.filter((at) => now - at < 1000);
      if (this.#sentAt.length >= room) {
        const wait = Math.max(1, 1000 - (now - this.#sentAt[0]));
        this.#timer = this.timers.setTimeout(() => ((this.#timer = null), this.#drain()), wait);
        return;
      }
      const { message, onSent } = this.#queue.shift();
      this.#sentAt.push(now);
      onSent?.();
      this.transmit(JSON.stringify(message));
    }
  }
}

/** What set() and renew() reject with: `code` is the hub's, or not_connected, disconnected, timeout. */
export class PresenceError extends Error {
  constructor(code, message) {
    super(message || code);
    this.name = "PresenceError";
    this.code = code;
  }
}

// ---- The client -----------------------------------------------------------------------------

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
  #askedAnew = false;
  #opening = false; // waiting for a token
  #turn = 0; // counts connects, so that a token that arrives late finds out
  #nextId = 0;
  #timers = { welcome: null, heartbeat: null, silence: null, reconnect: null, refused: null };

  constructor(options = {}) {
    super();
    this.url = socketUrl(options.url);
    this.token = options.token;
    this.WebSocket = options.WebSocket ?? globalThis.WebSocket;
    if (!this.WebSocket) throw new TypeError("no WebSocket here: pass one as options.WebSocket");
    this.clock = {
      setTimeout: options.setTimeout ?? ((f, ms) => globalThis.setTimeout(f, ms)),
      clearTimeout: options.clearTimeout ?? ((t) => globalThis.clearTimeout(t)),
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
    if (this.feed && this.feed.state !== "live") return this.feed.as_of;
    return this.#currentAt;
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
      const { view } = this.#entries.get(uid);
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
    const fresh = await this.#resolveToken();
    const before = [...this.#entries.values()].filter((e) => e.denied);
    await this.#ask((id) => messages.auth(fresh, id));
    // The new token may allow what the old one did not. What it does not allow any more, the hub has said by itself.
    for (const e of before) if (e.denied) (e.request = null), this.#touch(e.uid);
  }

  /** Connects now: after close(), after giving up, or instead of waiting out the back-off. */
  connect() {
    if (this.#socket || this.#opening) return;
    this.#attempt = 0;
    this.#askedAnew = false;
    this.#open();
  }

  /** Disconnects for good. What is held stays readable, as stale. */
  close() {
    this.#disconnected();
    this.#setStatus("closed");
  }

  // -- connecting

  async #open() {
    this.#stopTimers();
    const turn = ++this.#turn;
    this.#opening = true;
    this.#setStatus(this.#currentAt === null ? "connecting" : "stale");
    let token;
    try {
      token = await this.#resolveToken();
    } catch (err) {
      if (turn !== this.#turn) return;
      this.#opening = false;
      this.#emit("error", { code: "token", message: `asking for a token: ${err?.message ?? err}`, fatal: false });
      return this.#comeBack(this.#nextDelay());
    }
    if (turn !== this.#turn) return;
    this.#opening = false;
    try {
      this.#socket = new this.WebSocket(this.url, token ? [SUBPROTOCOL, `bearer.${token}`] : [SUBPROTOCOL]);
    } catch (err) {
      return this.#giveUp({ code: "connect", message: String(err?.message ?? err) });
    }
    const socket = this.#socket;
    const mine = (handle) => (event) => socket === this.#socket && handle(event);
    socket.onmessage = mine((event) => this.#onMessage(event.data));
    socket.onclose = mine((event) => this.#onClose(event.code ?? 1006, event.reason));
    socket.onerror = () => {}; // says nothing; a close follows
    this.#later("welcome", WELCOME_TIMEOUT_MS, () => this.#onClose(1006, "no welcome"));
  }

  async #resolveToken() {
    return typeof this.token === "function" ? await this.token() : this.token;
  }

  #onClose(code, reason = "") {
    const rule = closeRule(code);
    if (this.#welcome && this.clock.now() - this.#welcomedAt >= STABLE_AFTER_MS) this.#attempt = 0;
    const byeDelay = this.#byeDelay;
    this.#disconnected();
    const closed = { closeCode: code, reason };
    if (code === 4401 && typeof this.token === "function" && !this.#askedAnew) {
      this.#askedAnew = true;
      return this.#comeBack(this.#attempt === 0 ? (this.#attempt++, 0) : this.#nextDelay(), closed);
    }
    if (!rule.comeBack) return this.#giveUp({ code: "closed", message: reason || rule.name, ...closed });
    if (byeDelay !== null) return this.#comeBack(byeDelay, closed);
    // Over a limit: whoever hurries back makes it worse, so at least half of the cap.
    if (code === 4429) return this.#comeBack(BACKOFF_CAP_MS * (0.5 + this.random() / 2), closed);
    this.#comeBack(this.#nextDelay(), closed);
  }

  #nextDelay() {
    return backoffMs(this.#attempt++, this.random);
  }

  #comeBack(delay, detail = {}) {
    this.#setStatus(this.#currentAt === null ? "connecting" : "stale", { ...detail, retryInMs: delay });
    this.#later("reconnect", delay, () => this.#open());
  }

  #giveUp(detail) {
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
    this.#limits = Object.freeze({ ...f.limits });
    this.#outbox.perSecond = f.limits.max_messages_per_second;
    this.session = f.session;
    this.uid = f.uid;
    if (f.feed) this.#onFeed(f.feed);
    if (!first) return; // said again after a renewal
    this.#welcomedAt = this.clock.now();
    this.#askedAnew = false;
    this.#clear("welcome");
    this.#emit("welcome", { limits: this.#limits });
    if (this.#welcome !== f) return; // a listener has closed the connection
    this.#later("heartbeat", f.heartbeat_ms, () => this.#beat());
    for (const uid of this.#entries.keys()) this.#dirty.add(uid);
    this.#flush();
    if (this.#resuming.size === 0) this.#setStatus("open");
  }

  #onFeed({ state, as_of, reason }) {
    this.feed = { state, as_of, reason };
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
      this.#onDenied(f.denied);
    }
  }

  /** Nobody asked: a renewed token no longer covers whom the hub names. */
  #onDenied(uids) {
    const lost = uids.map((uid) => this.#entries.get(uid)).filter(Boolean);
    for (const e of lost) if (e.doubt(true)) this.#show(e);
    if (lost.length > 0) this.#emit("denied", { uids: lost.map((e) => e.uid) });
  }

  #take(p, replace) {
    const e = this.#entries.get(p.uid);
    if (e?.take(p, replace)) this.#show(e);
  }

  #show(e) {
    const view = e.look();
    this.#views.set(e.uid, view);
    for (const watcher of [...e.watchers]) if (e.watchers.has(watcher)) this.#call(watcher, view);
  }

  #call(watcher, view) {
    try {
      watcher.callback?.(view);
    } catch (err) {
      // One bad watcher must not cost the others their news.
      this.#emit("error", { code: "callback", message: String(err?.message ?? err), cause: err, fatal: false });
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
    for (const uids of chunkUids(leaving, this.#welcome.limits)) {
      this.#send((id) => messages.unsubscribe(id, uids), () => {});
    }
    // since -> entries: whoever lacks a state that the hub vouched for asks for all of it.
    const groups = new Map();
    for (const e of joining) {
      const since = e.known ? this.#cursors.since(e.uid) : null;
      if (!groups.has(since)) groups.set(since, []);
      groups.get(since).push(e);
    }
    for (const [since, entries] of groups) this.#subscribe(entries, since);
  }

  #subscribe(entries, since) {
    const byUid = new Map(entries.map((e) => [e.uid, e]));
    for (const uids of chunkUids(byUid.keys(), this.#welcome.limits, 512 + (since?.length ?? 0) * 2)) {
      const asked = uids.map((uid) => byUid.get(uid));
      const request = { since, live: null };
      const id = this.#send(
        (id) => messages.subscribe(id, uids, since),
        (f) => this.#onSubscribed(f, id, asked, request),
        () => (request.live = this.#cursors.live),
      );
      for (const e of asked) e.request = id;
      if (this.#status !== "open" && asked.some((e) => e.state)) this.#resuming.add(id);
    }
  }

  #onSubscribed(f, id, asked, { since, live }) {
    if (f.local && f.code === "timeout") return this.#onClose(1006, "a subscribe was not answered");
    if (f.local) return;
    const current = asked.filter((e) => e.request === id && this.#entries.get(e.uid) === e);
    if (f.type === "subscribed") this.#settle(f, current, since, live);
    else this.#refused(f, current);
    if (this.#resuming.delete(id) && this.#resuming.size === 0) this.#setStatus("open");
  }

  #settle(f, asked, since, live) {
    const uids = asked.map((e) => e.uid);
    this.#cursors.answered(uids, f.cursor, live);
    for (const p of f.presences) this.#take(p, !f.complete);
    const told = new Set(f.presences.map((p) => p.uid));
    const denied = new Set(f.denied);
    const pending = new Set(f.pending);
    const everything = since === null || !f.complete;
    for (const e of asked) {
      const none = pending.has(e.uid) || denied.has(e.uid) || everything;
      if (!told.has(e.uid) && none && e.doubt(denied.has(e.uid))) this.#show(e);
    }
    const refused = uids.filter((uid) => denied.has(uid));
    if (refused.length > 0) this.#emit("denied", { uids: refused });
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

  #beat() {
    const { heartbeat_ms } = this.#welcome;
    this.#send((id) => messages.ping(id), () => {}, () => {
      if (this.#timers.silence === null) this.#later("silence", heartbeat_ms * 1.5, () => this.#onClose(1006, "heartbeat lost"));
    });
    this.#later("heartbeat", heartbeat_ms, () => this.#beat());
  }

  // -- status, events, timers

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
    this.#emit("stale", { stale, asOf: this.asOf });
  }

  #emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }

  #later(name, ms, f) {
    this.#clear(name);
    this.#timers[name] = this.clock.setTimeout(() => ((this.#timers[name] = null), f()), ms);
  }

  #clear(name) {
    this.clock.clearTimeout(this.#timers[name]);
    this.#timers[name] = null;
  }

  #stopTimers() {
    for (const name of Object.keys(this.#timers)) this.#clear(name);
  }
}

function socketUrl(url = "/v1/ws") {
  const absolute = new URL(url, globalThis.location?.href);
  absolute.protocol = absolute.protocol.replace(/^http/, "ws");
  return absolute.href;
}
