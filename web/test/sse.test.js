// The way around, by itself: event streams behind the face of a WebSocket, against a hub that is the test.
import assert from "node:assert/strict";
import { test } from "node:test";
import { EventSocket } from "../client/sse.js";
import { FakeClock, golden, presence } from "../testing/harness.js";

/** Lets streams be read, which takes more than microtasks. */
async function settle() {
  for (let i = 0; i < 10; i++) await new Promise(setImmediate);
}

/** What the hub sees of one stream that was asked for, and says on it. */
class Stream {
  constructor(url, { headers, signal }) {
    Object.assign(this, { uids: url.searchParams.get("uids").split(","), headers, signal });
    this.answer = new Promise((resolve) => (this.respond = resolve));
  }

  async begin(cursor, presences = this.uids.map((uid) => presence(uid)), fields = {}) {
    const body = new ReadableStream({ start: (controller) => (this.body = controller) });
    this.signal.addEventListener("abort", () => this.body.error(new Error("aborted")));
    this.respond(new Response(body));
    await this.say(golden("welcome"), { type: "subscribed", cursor, presences, pending: [], denied: [], complete: !this.headers["Last-Event-ID"], ...fields });
  }

  async say(...frames) {
    for (const f of frames) this.body.enqueue(new TextEncoder().encode(`event: ${f.type}\ndata: ${JSON.stringify(f)}\n\n`));
    await settle();
  }

  async end() {
    this.body.close();
    await settle();
  }

  async refuse(status, code) {
    this.respond(new Response(JSON.stringify({ code, message: code }), { status }));
    await settle();
  }
}

/** A socket that was made for these users; what it said, and how it ended. */
async function open(t, uids = ["a"], { begun = true, since = null } = {}) {
  const w = { streams: [], said: [], ended: [], clock: new FakeClock(), probes: [] };
  t.mock.method(globalThis, "fetch", (url, options) => {
    w.streams.push(new Stream(url, options));
    return w.streams.at(-1).answer;
  });
  const Probe = class {
    constructor() {
      w.probes.push(Object.assign(this, { at: w.clock.now() }));
    }
    close() {}
  };
  w.socket = new EventSocket("ws://hub.test/v1/ws", ["presence.v1", "bearer.t1"], { clock: w.clock, url: "ws://hub.test/v1/ws", wanted: { uids, since }, WebSocket: Probe });
  w.socket.onmessage = ({ data }) => w.said.push(JSON.parse(data));
  w.socket.onclose = (end) => w.ended.push(end);
  w.send = (m) => w.socket.send(JSON.stringify(m));
  w.answers = (id) => w.said.filter((f) => f.id === id);
  w.later = async (ms) => (await w.clock.advance(ms), await settle());
  await settle();
  if (begun) await w.streams[0].begin("c1");
  return w;
}

test("a subscribe that the stream answers is answered at once; another opens a stream, and leaves the one before when it has answered", async (t) => {
  const w = await open(t);
  w.send({ type: "subscribe", id: "1", uids: ["a"] });
  assert.deepEqual(w.answers("1").map((f) => f.presences.map((p) => p.uid)), [["a"]]);
  w.send({ type: "subscribe", id: "2", uids: ["b"] });
  await w.later(100);
  assert.deepEqual([w.answers("2"), w.streams.length, w.streams[1].uids], [[], 2, ["a", "b"]]);
  assert.equal(w.streams[0].signal.aborted, false, "until the next has answered");
  await w.streams[1].begin("c2");
  assert.deepEqual(w.answers("2").map((f) => f.presences.map((p) => p.uid)), [["b"]]);
  assert.equal(w.streams[0].signal.aborted, true);
  assert.deepEqual(w.ended, []);
});

test("who was let go of and is watched again is asked for anew", async (t) => {
  const w = await open(t, ["a", "b"]);
  w.send({ type: "unsubscribe", id: "1", uids: ["a"] });
  await w.streams[0].say({ type: "changes", cursor: "c2", presences: [presence("a", { ext: "nobody hears" })] });
  w.send({ type: "subscribe", id: "2", uids: ["a"] });
  assert.deepEqual(w.answers("2"), [], "what is held of them is old");
  await w.later(100);
  await w.streams[1].begin("c3", [presence("a", { ext: "now" }), presence("b")]);
  assert.deepEqual(w.answers("2").map((f) => f.presences[0].ext), ["now"]);
});

test("a stream resumes where the one before was, and says by whose right", async (t) => {
  const w = await open(t, ["a"], { since: "c0" });
  assert.deepEqual(w.streams[0].headers, { Authorization: "Bearer t1", "Last-Event-ID": "c0" });
  await w.streams[0].say({ type: "changes", cursor: "c2", presences: [presence("a")] });
  w.send({ type: "auth", id: "1", token: "t2" });
  await w.later(100);
  assert.deepEqual(w.streams[1].headers, { Authorization: "Bearer t2", "Last-Event-ID": "c2" });
  assert.deepEqual(w.answers("1"), [], "not before the hub has taken the token");
  await w.streams[1].begin("c3", []);
  assert.deepEqual(w.answers("1").map((f) => f.type), ["ok"]);
});

for (const [status, code] of [[401, 4401], [403, 4403], [429, 4429], [503, 1013], [500, 1006]]) {
  test(`a stream that is refused with ${status} ends as ${code}`, async (t) => {
    const w = await open(t, ["a"], { begun: false });
    await w.streams[0].refuse(status, "why");
    assert.deepEqual(w.ended, [{ code, reason: "why" }]);
  });
}

test("a bad request is answered, and spoils nothing for the others", async (t) => {
  const w = await open(t);
  w.send({ type: "subscribe", id: "1", uids: ["bad"] });
  await w.later(100);
  await w.streams[1].refuse(400, "bad_uid");
  assert.deepEqual(w.answers("1").map((f) => [f.type, f.code]), [["error", "bad_uid"]]);
  w.send({ type: "subscribe", id: "2", uids: ["b"] });
  await w.later(100);
  assert.deepEqual(w.streams[2].uids, ["a", "b"]);
  assert.deepEqual(w.ended, []);
});

test("a stream that is silent for two heartbeats is lost; a heartbeat is enough", async (t) => {
  const w = await open(t);
  await w.later(40_000);
  w.streams[0].body.enqueue(new TextEncoder().encode(": still here\n\n"));
  await settle();
  await w.later(47_000);
  assert.deepEqual(w.ended, []);
  await w.later(1000);
  assert.deepEqual(w.ended.map((e) => e.code), [1006]);
  assert.equal(w.streams[0].signal.aborted, true);
});

test("a stream that ends after a goodbye is restarted, any other is lost", async (t) => {
  const w = await open(t);
  await w.streams[0].say(golden("bye"));
  await w.streams[0].end();
  assert.deepEqual(w.ended.map((e) => e.code), [1012]);
  const other = await open(t);
  await other.streams[0].end();
  assert.deepEqual(other.ended.map((e) => e.code), [1006]);
});

test("WebSockets are tried now and then, ever more seldom, and gone back to when one speaks", async (t) => {
  const w = await open(t);
  const start = w.clock.now();
  const live = setIntervalOn(w, () => w.streams[0].say(golden("pong")));
  for (let i = 0; i < 7; i++) {
    await live.until(() => w.probes.length > i);
    w.probes[i].onclose();
  }
  const waits = w.probes.map(({ at }, i) => Math.round((at - (w.probes[i - 1]?.at ?? start)) / 1000));
  assert.deepEqual(waits, [30, 60, 120, 240, 480, 600, 600]);
  await live.until(() => w.probes.length > 7);
  assert.equal(w.socket.promising, false);
  w.probes[7].onmessage();
  assert.equal(w.socket.promising, true);
  assert.deepEqual([w.said.at(-1).type, w.ended.map((e) => e.code)], ["bye", [1012]]);
  assert.equal(w.streams[0].signal.aborted, true);
});

/** Moves the clock on while the hub speaks every 10 s. */
function setIntervalOn(w, speak) {
  return {
    async until(done) {
      for (let i = 0; !done(); i++) {
        assert.ok(i < 200, "waited in vain");
        await w.clock.advance(10_000);
        await speak();
      }
    },
  };
}
