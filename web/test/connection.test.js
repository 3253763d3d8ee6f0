import assert from "node:assert/strict";
import { test } from "node:test";
import { CLOSE_CODES } from "../static/presence.js";
import { FakeHub, golden, presence, settle } from "../testing/harness.js";

/** A client that was welcomed and watches `a`. */
async function connected(options) {
  const hub = new FakeHub(options);
  hub.client.watch(["a"]);
  await hub.welcome();
  await hub.answer(hub.socket.last, "1");
  return hub;
}

test("offers the subprotocol, and the token beside it", async () => {
  const bare = new FakeHub();
  await settle();
  assert.deepEqual(bare.socket.protocols, ["presence.v1"]);
  const hub = new FakeHub({ token: async () => "a.b.c" });
  await settle();
  assert.deepEqual(hub.socket.protocols, ["presence.v1", "bearer.a.b.c"]);
  assert.equal(hub.socket.url, "ws://hub.test/v1/ws");
});

test("says nothing before the welcome", async () => {
  const hub = new FakeHub();
  hub.client.watch(["a"]);
  await settle();
  assert.equal(hub.client.status, "connecting");
  assert.deepEqual(hub.socket.sent, []);
  await hub.welcome();
  assert.equal(hub.socket.sent.length, 1);
  assert.deepEqual([hub.client.status, hub.client.uid, hub.client.session], ["open", "alice", "7f3a9c51e2"]);
});

for (const [code, { name, comeBack }] of Object.entries(CLOSE_CODES)) {
  test(`${code} (${name}) ${comeBack ? "comes back" : "does not come back"}`, async () => {
    const hub = await connected();
    await hub.socket.drop(Number(code));
    assert.equal(hub.client.status, comeBack ? "stale" : "closed");
    assert.equal(hub.client.stale, true);
    await hub.clock.advance(60_000 * 10);
    assert.equal(hub.sockets.length > 1, comeBack);
    assert.equal(hub.of("error").some((e) => e.fatal && e.closeCode === Number(code)), !comeBack);
  });
}

test("codes nobody has agreed on: 1011 passes, 4999 does not", async () => {
  const hub = await connected();
  await hub.socket.drop(1011);
  assert.equal(hub.client.status, "stale");
  const other = await connected();
  await other.socket.drop(4999);
  assert.equal(other.client.status, "closed");
});

test("backs off with full jitter, and forgives after a connection that lasted", async () => {
  const hub = await connected();
  const waits = () => hub.of("status").map((s) => s.retryInMs).filter((ms) => ms !== undefined);
  for (let i = 0; i < 8; i++) {
    await hub.socket.drop(1006);
    await hub.clock.advance(waits().at(-1) - 1);
    assert.equal(hub.sockets.length, i + 1, "too early");
    await hub.clock.advance(1);
    assert.equal(hub.sockets.length, i + 2);
  }
  assert.deepEqual(waits(), [500, 1000, 2000, 4000, 8000, 15000, 15000, 15000]);
  await hub.welcome();
  await hub.socket.drop(1006);
  assert.equal(waits().at(-1), 15000, "a welcome alone proves nothing");
  await hub.clock.advance(15_000);
  await hub.welcome();
  await hub.clock.advance(10_000);
  await hub.socket.drop(1006);
  assert.equal(waits().at(-1), 500);
});

test("a goodbye says when to come back", async () => {
  const hub = await connected();
  await hub.socket.receive(golden("bye"));
  await hub.socket.drop(1012);
  await hub.clock.advance(1233);
  assert.equal(hub.sockets.length, 1);
  await hub.clock.advance(1);
  assert.equal(hub.sockets.length, 2);
});

test("over a limit comes back later than anybody else", async () => {
  const hub = await connected({ random: () => 0 });
  await hub.socket.drop(4429);
  await hub.clock.advance(14_999);
  assert.equal(hub.sockets.length, 1);
  await hub.clock.advance(1);
  assert.equal(hub.sockets.length, 2);
});

test("4401 asks the token function anew, once", async () => {
  let asked = 0;
  const hub = await connected({ token: () => `token-${++asked}` });
  await hub.socket.drop(4401);
  await hub.clock.advance(0);
  assert.deepEqual(hub.socket.protocols, ["presence.v1", "bearer.token-2"]);
  await hub.socket.drop(4401);
  await hub.clock.advance(60_000);
  assert.equal(hub.sockets.length, 2);
  assert.equal(hub.client.status, "closed");
  assert.deepEqual(hub.of("error").map((e) => [e.closeCode, e.fatal]), [[4401, true]]);
});

test("tokens that expire again and again are each asked for, without haste", async () => {
  const hub = await connected({ token: () => "t" });
  const waits = [];
  for (let i = 0; i < 4; i++) {
    await hub.socket.drop(4401);
    waits.push(hub.of("status").at(-1).retryInMs);
    await hub.clock.advance(waits.at(-1));
    await hub.welcome();
  }
  assert.deepEqual(waits, [0, 1000, 2000, 4000]);
});

test("4401 with a fixed token gives up; renew() starts again with the new one", async () => {
  const hub = await connected({ token: "old" });
  await hub.socket.drop(4401);
  assert.equal(hub.client.status, "closed");
  await hub.client.renew("new");
  await settle();
  assert.deepEqual(hub.socket.protocols, ["presence.v1", "bearer.new"]);
});

test("renew() while connecting drops the attempt that carries the old token", async () => {
  const hub = new FakeHub({ token: "old" });
  await settle();
  await hub.client.renew("new");
  await settle();
  assert.equal(hub.sockets[0].closedByClient, true);
  assert.deepEqual(hub.socket.protocols, ["presence.v1", "bearer.new"]);
});

test("renew() on the open socket sends auth and asks again for the denied", async () => {
  const hub = new FakeHub({ token: "old" });
  hub.client.watch(["a", "x"]);
  await hub.welcome();
  await hub.answer(hub.socket.last, "1", { presences: [presence("a")], denied: ["x"] });
  const renewed = hub.client.renew("new");
  await settle();
  assert.deepEqual(hub.socket.last, { type: "auth", id: "2", token: "new" });
  await hub.socket.receive({ type: "ok", id: "2" });
  await renewed;
  await settle();
  assert.deepEqual(hub.socket.last.uids, ["x"]);
  assert.equal(hub.sockets.length, 1);
});

test("renew() with a token that covers fewer: the lost are denied once, and not asked for again", async () => {
  const hub = new FakeHub({ token: "old" });
  hub.client.watch(["a", "x"]);
  await hub.welcome();
  await hub.answer(hub.socket.last, "1", { presences: [presence("a"), presence("x")] });
  const renewed = hub.client.renew("fewer");
  await settle();
  await hub.socket.receive(golden("subscribed-denied"));
  await hub.socket.receive({ type: "ok", id: hub.socket.last.id });
  await renewed;
  await settle();
  assert.equal(hub.socket.last.type, "auth");
  assert.deepEqual(hub.of("denied"), [{ uids: ["x"] }]);
  const { denied, known, online, stale } = hub.client.get("x");
  assert.deepEqual({ denied, known, online, stale }, { denied: true, known: false, online: true, stale: true });
  assert.equal(hub.client.get("a").known, true);
});

test("a token function that fails is asked again", async () => {
  let broken = true;
  const hub = new FakeHub({ token: async () => { if (broken) throw new Error("no network"); return "t"; } });
  await settle();
  assert.equal(hub.sockets.length, 0);
  assert.equal(hub.of("error")[0].code, "token");
  broken = false;
  await hub.clock.advance(1000);
  assert.equal(hub.sockets.length, 1);
});

test("a token that comes after close() connects nothing", async () => {
  let give;
  const hub = new FakeHub({ token: () => new Promise((resolve) => (give = resolve)) });
  await settle();
  hub.client.close();
  give("t");
  await settle();
  assert.equal(hub.sockets.length, 0);
});

test("pings each heartbeat; an answer keeps the connection, silence ends it within two intervals", async () => {
  const hub = await connected();
  await hub.clock.advance(25_000);
  assert.equal(hub.socket.last.type, "ping");
  await hub.socket.receive({ type: "pong", id: hub.socket.last.id });
  await hub.clock.advance(25_000 + 22_499);
  assert.equal(hub.client.status, "open");
  await hub.clock.advance(1);
  assert.equal(hub.client.status, "stale");
  assert.equal(hub.sockets[0].closedByClient, true);
  await hub.clock.advance(1000);
  assert.equal(hub.sockets.length, 2);
});

test("no welcome within 15 s is a lost connection", async () => {
  const hub = new FakeHub();
  await settle();
  await hub.clock.advance(15_000 + 1000);
  assert.equal(hub.sockets.length, 2);
});

test("an error that no close follows, as in Node 20, is a lost connection", async () => {
  const hub = new FakeHub();
  await settle();
  hub.socket.onerror();
  await hub.clock.advance(500);
  assert.equal(hub.sockets.length, 2);
  await hub.welcome();
  hub.socket.onerror();
  await hub.clock.advance(500);
  assert.equal(hub.client.status, "open", "who was welcomed has a heartbeat");
});

test("connect() does not wait out the back-off", async () => {
  const hub = await connected();
  await hub.socket.drop(1006);
  hub.client.connect();
  await settle();
  assert.equal(hub.sockets.length, 2);
  hub.client.connect();
  await hub.clock.advance(14_000);
  assert.equal(hub.sockets.length, 2, "the timer of the back-off is gone");
});

test("stale while the feed is not live, and said each time it turns", async () => {
  const hub = await connected();
  const feed = { type: "feed", as_of: 5 };
  await hub.socket.receive({ ...feed, state: "degraded" }, { ...feed, state: "down" }, { ...feed, state: "live" });
  assert.deepEqual(hub.of("stale").map((s) => s.stale), [false, true, false]);
  assert.equal(hub.client.status, "open");
});

test("close() is for good and leaves no timer", async () => {
  const hub = await connected();
  const set = hub.client.set({ resource: "web", status: 1 });
  hub.client.close();
  await assert.rejects(set, { code: "disconnected" });
  assert.equal(hub.client.status, "closed");
  assert.equal(hub.clock.pending, 0);
  assert.equal(hub.client.get("a").online, true);
  await assert.rejects(hub.client.set({ resource: "web", status: 1 }), { code: "not_connected" });
});

test("frames of unknown types and rubbish disturb nothing", async () => {
  const hub = await connected();
  await hub.socket.receive("{", "[]", { type: "hologram" }, { type: "changes" }, { type: "subscribed", id: "99", presences: 3 }, { type: "feed", state: 1 });
  assert.equal(hub.client.status, "open");
  assert.equal(hub.client.stale, false);
  assert.deepEqual(hub.of("error"), []);
});

test("what waited to be sent on a connection that was lost is not sent on the next", async () => {
  const hub = new FakeHub();
  hub.client.watch(["a"]);
  await hub.welcome({ max_messages_per_second: 1 });
  for (const uid of ["b", "c"]) {
    hub.client.watch([uid]);
    await settle();
  }
  assert.equal(hub.socket.sent.length, 1, "the others have to wait");
  await hub.socket.drop(1006);
  await hub.clock.advance(1000);
  await hub.welcome({ max_messages_per_second: 100 });
  await hub.clock.advance(5000);
  assert.deepEqual(hub.socket.of("subscribe").map((m) => m.uids), [["a", "b", "c"]]);
});

test("an error of a socket that was left says nothing of the next", async () => {
  const hub = new FakeHub();
  await settle();
  await hub.socket.drop(1006);
  await hub.clock.advance(500);
  assert.equal(hub.sockets.length, 2);
  hub.sockets[0].onerror();
  await hub.clock.advance(5000);
  assert.equal(hub.sockets.length, 2);
});

test("connect() forgets the failures before", async () => {
  const hub = await connected();
  for (let i = 0; i < 5; i++) {
    await hub.socket.drop(1006);
    if (i < 4) await hub.clock.advance(15_000);
  }
  hub.client.connect();
  await settle();
  await hub.socket.drop(1006);
  assert.equal(hub.of("status").at(-1).retryInMs, 500);
});

test("a welcome that is said again, after a renewal, is no new connection", async () => {
  const hub = await connected();
  let welcomed = 0;
  hub.client.addEventListener("welcome", () => welcomed++);
  await hub.clock.advance(9000);
  await hub.socket.receive(golden("welcome"));
  await hub.clock.advance(1000);
  assert.equal(welcomed, 0);
  await hub.socket.drop(1006);
  assert.equal(hub.of("status").at(-1).retryInMs, 500, "it has lasted since it began");
  assert.equal(hub.sockets[0].of("subscribe").length, 1);
});
