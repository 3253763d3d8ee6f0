import assert from "node:assert/strict";
import { test } from "node:test";
import { PresenceClient } from "../static/presence.js";
import { framesOf } from "../client/sse.js";
import { FakeHub, golden, settle } from "../testing/harness.js";

/** A hub whose client has, behind WebSockets, a stand-in for the event stream. */
function withFallback(options) {
  const streams = [];
  class Stream {
    constructor(url, protocols, client) {
      Object.assign(this, { url, protocols, wanted: client.wanted, sent: [] });
      streams.push(this);
    }
    send(data) {
      this.sent.push(JSON.parse(data));
    }
    close() {}
  }
  return { streams, hub: new FakeHub({ fallback: async () => Stream, ...options }) };
}

async function blocked() {
  const { hub, streams } = withFallback({ token: "t" });
  hub.client.watch(["a"]);
  await settle();
  for (let i = 0; i < 2; i++) {
    await hub.socket.drop(1006);
    await hub.clock.advance(8000);
  }
  return { hub, streams };
}

test("two sockets in a row that were never welcomed: the way around, with the token and whom to watch", async () => {
  const { hub, streams } = await blocked();
  assert.equal(hub.sockets.length, 2);
  assert.deepEqual(streams.map((s) => [s.protocols, s.wanted]), [[["presence.v1", "bearer.t"], { uids: ["a"], since: null }]]);
  streams[0].onmessage({ data: JSON.stringify(golden("welcome")) });
  assert.equal(hub.client.status, "open");
  assert.deepEqual(streams[0].sent[0].uids, ["a"]);
});

test("a way around that ends is taken again, from where it was", async () => {
  const { hub, streams } = await blocked();
  streams[0].onmessage({ data: JSON.stringify(golden("welcome")) });
  streams[0].onmessage({ data: JSON.stringify({ ...golden("subscribed"), presences: [{ ...golden("changes").presences[0], uid: "a" }] }) });
  streams[0].onclose({ code: 1006 });
  await hub.clock.advance(8000);
  assert.equal(hub.sockets.length, 2);
  assert.deepEqual(streams[1].wanted, { uids: ["a"], since: golden("subscribed").cursor });
});

test("one that says that WebSockets get through is left for them", async () => {
  const { hub, streams } = await blocked();
  streams[0].onmessage({ data: JSON.stringify(golden("welcome")) });
  streams[0].promising = true;
  streams[0].onmessage({ data: JSON.stringify({ type: "bye", reconnect_after_ms: 1 }) });
  streams[0].onclose({ code: 1012 });
  await hub.clock.advance(1);
  assert.equal(hub.sockets.length, 3);
});

test("a hub that was once reached by WebSocket has to fail twice, too", async () => {
  const { hub, streams } = withFallback();
  await hub.welcome();
  await hub.socket.drop(1006);
  await hub.clock.advance(8000);
  await hub.socket.drop(1006);
  await hub.clock.advance(8000);
  assert.deepEqual([hub.sockets.length, streams.length], [3, 0]);
  await hub.socket.drop(1006);
  await hub.clock.advance(8000);
  assert.deepEqual([hub.sockets.length, streams.length], [3, 1]);
});

test("a fallback that cannot be loaded leaves WebSockets", async () => {
  const { hub } = withFallback({ fallback: () => Promise.reject(new Error("not here")) });
  await settle();
  for (let i = 0; i < 4; i++) {
    await hub.socket.drop(1006);
    await hub.clock.advance(8000);
  }
  assert.equal(hub.sockets.length, 5);
});

test("without a WebSocket there is only the way around; without either, an error that says so", async () => {
  const before = globalThis.WebSocket;
  delete globalThis.WebSocket;
  try {
    const streams = [];
    const client = new PresenceClient({ url: "ws://hub.test/v1/ws", fallback: async () => class { constructor() { streams.push(this); } close() {} } });
    await settle();
    assert.equal(streams.length, 1);
    client.close();
    assert.throws(() => new PresenceClient({ url: "ws://hub.test", fallback: false }), /options.WebSocket/);
  } finally {
    if (before) globalThis.WebSocket = before;
  }
});

test("frames are read of an event stream however it is cut", async () => {
  const text = 'event: welcome\ndata: {"type":"welcome","é":"😀"}\n\n: still here\n\nevent: changes\nid: c-1\ndata: {"a":1}\n\nevent: cut';
  const bytes = new TextEncoder().encode(text);
  for (const size of [1, 2, 3, 7, 1000]) {
    const body = new ReadableStream({
      start(controller) {
        for (let i = 0; i < bytes.length; i += size) controller.enqueue(bytes.slice(i, i + size));
        controller.close();
      },
    });
    const frames = [];
    for await (const frame of framesOf(body)) frames.push(frame);
    assert.deepEqual(frames, ['{"type":"welcome","é":"😀"}', "", '{"a":1}'], `in pieces of ${size}`);
  }
});

test("a hub that refuses is no hub that cannot be reached: WebSockets are not given up", async () => {
  const { hub, streams } = withFallback();
  await settle();
  for (let i = 0; i < 4; i++) {
    await hub.socket.drop(1013);
    await hub.clock.advance(8000);
  }
  assert.deepEqual([hub.sockets.length, streams.length], [5, 0]);
});
