// Stand-ins for what a browser gives presence.js: a clock that is moved by hand and a WebSocket
// whose other end is the test. Not itself a test, so it lives outside test/.
import { readFileSync, readdirSync } from "node:fs";
import { PresenceClient } from "../static/presence.js";

const frames = new URL("../../hub/testdata/frames/", import.meta.url);

/** The golden frame of that name, as an object. */
export const golden = (name) => JSON.parse(readFileSync(new URL(`${name}.json`, frames), "utf8"));
export const goldenNames = () => readdirSync(frames).map((f) => f.replace(/\.json$/, ""));

/** Lets every microtask that is due run. */
export async function settle() {
  for (let i = 0; i < 20; i++) await null;
}

export class FakeClock {
  time = 1_790_000_000_000;
  #timers = new Map(); // id -> {at, callback}
  #nextId = 1;

  now = () => this.time;
  setTimeout = (callback, ms) => {
    const wait = ms > 2 ** 31 - 1 ? 1 : ms; // as real ones
    this.#timers.set(this.#nextId, { at: this.time + wait, callback });
    return this.#nextId++;
  };
  clearTimeout = (id) => this.#timers.delete(id);

  /** Moves on, firing in order whatever falls due, timers set meanwhile included. */
  async advance(ms) {
    const end = this.time + ms;
    for (;;) {
      const due = [...this.#timers].filter(([, t]) => t.at <= end).sort((a, b) => a[1].at - b[1].at || a[0] - b[0])[0];
      if (!due) break;
      this.#timers.delete(due[0]);
      this.time = Math.max(this.time, due[1].at);
      due[1].callback();
      await settle();
    }
    this.time = end;
    await settle();
  }

  get pending() {
    return this.#timers.size;
  }
}

class FakeSocket {
  sent = []; // parsed, in order
  sentAt = [];
  closedByClient = false;

  constructor(hub, url, protocols) {
    Object.assign(this, { hub, url, protocols });
  }

  send(data) {
    this.sent.push(JSON.parse(data));
    this.sentAt.push(this.hub.clock.now());
  }

  close() {
    this.closedByClient = true;
  }

  // -- the hub's side

  async receive(...messages) {
    for (const m of messages) this.onmessage?.({ data: typeof m === "string" ? m : JSON.stringify(m) });
    await settle();
  }

  async drop(code, reason = "") {
    this.onclose?.({ code, reason });
    await settle();
  }

  of(type) {
    return this.sent.filter((m) => m.type === type);
  }

  get last() {
    return this.sent.at(-1);
  }
}

/** A client, its clock, and every socket it opened. */
export class FakeHub {
  clock = new FakeClock();
  sockets = [];
  events = []; // [type, detail] of everything the client said

  constructor({ clock, ...options } = {}) {
    const hub = this;
    this.clock = clock ?? this.clock;
    this.client = new PresenceClient({
      url: "ws://hub.test/v1/ws",
      WebSocket: class {
        constructor(url, protocols) {
          const socket = new FakeSocket(hub, url, protocols);
          hub.sockets.push(socket);
          return socket;
        }
      },
      random: () => 0.5,
      fallback: false,
      setTimeout: this.clock.setTimeout,
      clearTimeout: this.clock.clearTimeout,
      now: this.clock.now,
      ...options,
    });
    for (const type of ["status", "stale", "feed", "denied", "error"]) {
      this.client.addEventListener(type, (e) => this.events.push([type, e.detail]));
    }
  }

  get socket() {
    return this.sockets.at(-1);
  }

  of(type) {
    return this.events.filter(([t]) => t === type).map(([, detail]) => detail);
  }

  /** Lets the newest connection be welcomed. */
  async welcome(limits = {}) {
    await settle();
    const frame = golden("welcome");
    await this.socket.receive({ ...frame, limits: { ...frame.limits, ...limits } });
    return this.socket;
  }

  /** Answers a subscribe message: every uid is online unless `fields` says otherwise. */
  async answer(message, cursor, fields = {}) {
    await this.socket.receive({
      type: "subscribed",
      id: message.id,
      cursor,
      presences: message.uids.map((uid) => presence(uid)),
      pending: [],
      denied: [],
      complete: true,
      ...fields,
    });
  }
}

export const presence = (uid, fields = {}) => ({
  uid,
  online: true,
  status: { android: "1" },
  ext: "",
  last_time: 1_789_999_000_000,
  observed_at: 1000,
  ...fields,
});

export const changes = (cursor, ...presences) => ({ type: "changes", cursor, presences });

/** A JWT that nobody has signed. */
export const jwt = (claims) => ["{}", JSON.stringify(claims), ""].map((part) => Buffer.from(part).toString("base64url")).join(".");

/** The page around a client: hidden or shown, with a network or without. */
export class FakePage extends EventTarget {
  document = { hidden: false };

  hide() {
    this.document.hidden = true;
    this.dispatchEvent(new Event("visibilitychange"));
  }

  async show() {
    this.document.hidden = false;
    this.dispatchEvent(new Event("visibilitychange"));
    await settle();
  }

  async tell(type) {
    this.dispatchEvent(new Event(type));
    await settle();
  }
}
