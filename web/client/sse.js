// The way around where WebSockets are blocked: the same frames as server-sent events, behind the face of a
// WebSocket. Whom to watch is in the address, so each change of it opens another stream, and the one before is
// left when the next has answered. Streams are read with fetch, since an EventSource cannot send a token.

const REOPEN_MS = 50; // subscribes that follow each other this closely are one stream
const RETRY_WEBSOCKET_MS = 30_000; // then twice as long, and so on
const RETRY_CAP_MS = 600_000;
const RETRY_TIMEOUT_MS = 15_000;
const HEARTBEAT_MS = 25_000; // until the hub says otherwise

// What an HTTP status means as a close code; after any other the client comes back.
const CLOSE_OF = { 401: 4401, 403: 4403, 429: 4429, 503: 1013 };

/** The frames of a body of server-sent events, as text, and "" for each of its heartbeats. */
export async function* framesOf(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const events = (rest + value).split("\n\n");
    rest = events.pop();
    for (const event of events) yield /^data: ?([^\n]*)/m.exec(event)?.[1] ?? "";
  }
}

export class EventSocket {
  onmessage = null;
  onclose = null;
  promising = false; // a WebSocket is worth a try when this has ended
  #uids = new Set(); // who is watched
  #states = new Map(); // uid -> presence, or "pending" or "denied", as last told
  #asked = []; // subscribe and auth messages that the next stream answers
  #live = null; // the stream that is listened to: {uids, since, abort}
  #next = null; // the one that is to take its place when it has answered
  #cursor = null;
  #uid = "";
  #heartbeat = HEARTBEAT_MS;
  #greeted = false;
  #closed = false;
  #bye = false;
  #timers = {};
  #probe = null;

  /** `client` lends its clock, says whom to begin with, and has the WebSocket to try now and then. */
  constructor(url, protocols, client) {
    this.url = new URL(url.replace(/^ws/, "http").replace(/ws(?=$|\?)/, "events"));
    this.token = protocols.find((p) => p.startsWith("bearer."))?.slice(7);
    this.client = client;
    const { uids, since } = client.wanted;
    this.#uids = new Set(uids);
    if (uids.length > 0) this.#open(since);
    else queueMicrotask(() => this.#greet());
    if (client.WebSocket) this.#tryWebSocket(RETRY_WEBSOCKET_MS);
  }

  send(data) {
    const m = JSON.parse(data);
    if (m.type === "subscribe") this.#subscribe(m);
    else if (m.type === "unsubscribe") this.#unsubscribe(m);
    else if (m.type === "set") this.#set(m);
    else if (m.type === "auth") this.#auth(m);
    else this.#say({ type: "pong", id: m.id }); // the heartbeat of the stream is what counts
  }

  close() {
    this.#closed = true;
    this.#live?.abort.abort();
    this.#next?.abort.abort();
    for (const name in this.#timers) this.#clear(name);
    this.#dropProbe();
  }

  // -- what the client says

  #subscribe(m) {
    for (const uid of m.uids) this.#uids.add(uid);
    if (this.#live && covers(this.#live, m, this.#states)) return this.#answer(m, true);
    this.#asked.push(m);
    if (!this.#next || !covers(this.#next, m)) this.#reopen(REOPEN_MS);
  }

  /** The stream tells a little too much until it is opened anew. */
  #unsubscribe(m) {
    for (const uid of m.uids) {
      for (const held of [this.#uids, this.#states, this.#live?.uids, this.#next?.uids]) held?.delete(uid);
    }
    this.#say({ type: "ok", id: m.id });
    this.#reopen(20 * REOPEN_MS);
  }

  #auth(m) {
    this.token = m.token;
    if (!this.#live) return this.#say({ type: "ok", id: m.id });
    this.#asked.push(m);
    this.#reopen(REOPEN_MS);
  }

  async #set({ id, resource, status, ext }) {
    if (!this.#uid) return this.#say({ type: "error", id, code: "no_subject", message: "the token has no sub, so there is nobody to set" });
    const path = `presence/${encodeURIComponent(this.#uid)}/${encodeURIComponent(resource)}`;
    try {
      const headers = { ...this.#headers(), "Content-Type": "application/json" };
      const answer = await fetch(new URL(path, this.url), { method: "PUT", headers, body: JSON.stringify({ status, ext }) });
      this.#say(answer.ok ? { type: "ok", id } : { type: "error", id, ...(await refusal(answer)) });
    } catch (err) {
      this.#say({ type: "error", id, code: "disconnected", message: String(err) });
    }
  }

  // -- streams

  #reopen(ms) {
    this.#later("open", ms, () => {
      if (this.#uids.size === 0) return this.#leave();
      this.#open(this.#asked.some((m) => m.type === "subscribe") ? null : this.#cursor);
    });
  }

  /** Nobody is watched: there is nothing to listen to. */
  #leave() {
    this.#next?.abort.abort();
    this.#live?.abort.abort();
    this.#next = this.#live = null;
    this.#clear("silence");
    for (const m of this.#asked.splice(0)) this.#answer(m, true);
  }

  /** Opens a stream for all who are watched; with `since` it tells only what changed after that cursor. */
  async #open(since) {
    this.#next?.abort.abort();
    const stream = (this.#next = { uids: new Set(this.#uids), since, abort: new AbortController(), asked: this.#asked });
    const mine = () => !this.#closed && (stream === this.#next || stream === this.#live);
    const url = new URL(this.url);
    url.searchParams.set("uids", [...stream.uids].join(","));
    const headers = since ? { ...this.#headers(), "Last-Event-ID": since } : this.#headers();
    this.#listen();
    try {
      const answer = await fetch(url, { headers, cache: "no-store", signal: stream.abort.signal });
      if (!answer.ok) return mine() && this.#turnedAway(answer.status, await refusal(answer));
      for await (const text of framesOf(answer.body)) {
        if (!mine()) return;
        this.#listen();
        if (text) this.#onFrame(stream, text);
      }
    } catch {
      // The network, or we have left.
    }
    if (mine()) this.#end(this.#bye ? 1012 : 1006, "the stream has ended");
  }

  #headers() {
    return this.token ? { Authorization: `Bearer ${this.token}` } : {};
  }

  #listen() {
    this.#later("silence", this.#heartbeat * 1.9, () => this.#end(1006, "heartbeat lost"));
  }

  #onFrame(stream, text) {
    const f = JSON.parse(text);
    if (f.type === "subscribed") return this.#onSubscribed(stream, f);
    if (f.type === "welcome") {
      this.#uid = f.uid;
      this.#heartbeat = f.heartbeat_ms || HEARTBEAT_MS;
      this.#greeted = true;
    } else if (f.type === "changes") this.#remember(f);
    else if (f.type === "bye") this.#bye = true;
    this.onmessage?.({ data: text });
  }

  /** The next stream has caught up: it takes the place of the one before, and answers who has asked. */
  #onSubscribed(stream, f) {
    this.#live?.abort.abort();
    [this.#live, this.#next] = [stream, null];
    const waiting = new Set(this.#asked.flatMap((m) => m.uids ?? []));
    const before = this.#states;
    if (stream.since === null || f.complete === false) this.#states = new Map();
    this.#remember(f);
    const others = f.presences.map((p) => p.uid).concat(f.pending, f.denied.filter((uid) => before.get(uid) !== "denied"));
    this.#answer({ uids: others.filter((uid) => before.has(uid) && !waiting.has(uid)) }, f.complete);
    const asked = this.#asked.splice(0);
    for (const m of asked) {
      if (m.type === "auth") this.#say({ type: "ok", id: m.id });
      else if (covers(stream, m)) this.#answer(m, f.complete);
      else this.#asked.push(m); // it came after the stream was opened, and another is about to be
    }
  }

  #remember(f) {
    if (f.cursor) this.#cursor = f.cursor;
    for (const p of f.presences) if (this.#uids.has(p.uid)) this.#states.set(p.uid, p);
    for (const uid of f.pending ?? []) this.#states.set(uid, "pending");
    for (const uid of f.denied ?? []) this.#states.set(uid, "denied");
  }

  #answer({ id, uids }, complete) {
    if (!id && uids.length === 0) return;
    const told = (state) => uids.filter((uid) => this.#states.get(uid) === state);
    const presences = uids.map((uid) => this.#states.get(uid)).filter((state) => state?.uid);
    this.#say({ type: "subscribed", id, cursor: this.#cursor, presences, pending: told("pending"), denied: told("denied"), complete });
  }

  /** A bad request is the fault of the last subscribes, and harms nobody who is watched already. */
  #turnedAway(status, { code, message }) {
    if (status !== 400) return this.#end(CLOSE_OF[status] ?? 1006, message);
    this.#next = null;
    for (const uid of this.#live ? this.#asked.flatMap((m) => m.uids ?? []) : this.#uids) {
      if (!this.#live?.uids.has(uid)) this.#uids.delete(uid);
    }
    for (const { id } of this.#asked.splice(0)) this.#say({ type: "error", id, code, message });
    if (!this.#live) this.#clear("silence");
    if (!this.#greeted) this.#greet();
  }

  /** Where there is nobody to open a stream for, the client still wants to be welcomed. */
  #greet() {
    this.#greeted = true;
    this.#say({ type: "welcome", heartbeat_ms: HEARTBEAT_MS });
  }

  #say(frame) {
    if (!this.#closed) this.onmessage?.({ data: JSON.stringify(frame) });
  }

  #end(code, reason) {
    if (this.#closed) return;
    if (!this.#greeted) this.promising = true;
    this.close();
    this.onclose?.({ code, reason });
  }

  // -- back to a WebSocket

  #tryWebSocket(wait) {
    this.#later("probe", wait, () => {
      const socket = (this.#probe = new this.client.WebSocket(this.client.url, this.token ? ["presence.v1", `bearer.${this.token}`] : ["presence.v1"]));
      const failed = () => {
        this.#dropProbe();
        this.#tryWebSocket(Math.min(RETRY_CAP_MS, 2 * wait));
      };
      socket.onmessage = () => this.#getsThrough();
      socket.onclose = failed;
      socket.onerror = () => {};
      this.#later("probe", RETRY_TIMEOUT_MS, failed);
    });
  }

  #getsThrough() {
    this.promising = true;
    this.#say({ type: "bye", reason: "WebSockets get through again", reconnect_after_ms: 1 });
    this.#end(1012, "WebSockets get through again");
  }

  #dropProbe() {
    const socket = this.#probe;
    this.#probe = null;
    if (!socket) return;
    socket.onmessage = socket.onclose = null;
    socket.close();
  }

  #later(name, ms, f) {
    this.#clear(name);
    this.#timers[name] = this.client.clock.setTimeout(f, ms);
  }

  #clear(name) {
    this.client.clock.clearTimeout(this.#timers[name]);
  }
}

/** Whether what a stream tells, or has told, answers a subscribe in full. */
function covers(stream, { uids = [], since = null }, states) {
  const all = stream.since === null || stream.since === since;
  return uids.every((uid) => stream.uids.has(uid) && (all || states?.has(uid)));
}

/** Of a refused request: {code, message}. */
async function refusal(answer) {
  const { code = "request", message = `HTTP ${answer.status}` } = (await answer.json().catch(() => null)) ?? {};
  return { code, message };
}
