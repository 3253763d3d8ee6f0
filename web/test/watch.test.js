import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeHub, changes, presence, settle } from "../testing/harness.js";

async function open(limits, options) {
  const hub = new FakeHub(options);
  await hub.welcome(limits);
  return hub;
}

const many = (n) => Array.from({ length: n }, (_, i) => `u${i}`);

test("watches of one tick are one subscribe", async () => {
  const hub = await open();
  hub.client.watch(["A", "b"]);
  hub.client.watch(["b", "c"]);
  hub.client.watch("d");
  await settle();
  assert.deepEqual(hub.socket.sent.map((m) => m.uids), [["a", "b", "c", "d"]]);
});

test("watches of the same uid share a subscription until the last one stops", async () => {
  const hub = await open();
  const seen = [[], []];
  const stop = seen.map((list) => hub.client.watch(["a"], (p) => list.push(p.observed_at)));
  await settle();
  await hub.answer(hub.socket.last, "1");
  stop[0]();
  stop[0](); // twice does no harm
  await settle();
  await hub.socket.receive(changes("2", presence("a", { observed_at: 2000 })));
  assert.deepEqual(seen, [[1000], [1000, 2000]]);
  assert.deepEqual(hub.socket.of("unsubscribe"), []);
  stop[1]();
  await settle();
  assert.deepEqual(hub.socket.last.uids, ["a"]);
  assert.equal(hub.socket.last.type, "unsubscribe");
  assert.equal(hub.client.get("a"), undefined);
});

test("a later watch hears the state held at once, and asks nothing", async () => {
  const hub = await open();
  hub.client.watch(["a"]);
  await settle();
  await hub.answer(hub.socket.last, "1");
  const seen = [];
  hub.client.watch(["A"], (p) => seen.push(p.uid));
  assert.deepEqual(seen, ["a"]);
  await settle();
  assert.equal(hub.socket.sent.length, 1);
});

test("stopping and watching again in one tick sends nothing", async () => {
  const hub = await open();
  const stop = hub.client.watch(["a"]);
  await settle();
  stop();
  hub.client.watch(["a"]);
  await settle();
  assert.equal(hub.socket.sent.length, 1);
});

test("a watch that comes and goes in one tick sends nothing", async () => {
  const hub = await open();
  hub.client.watch(["a"])();
  await settle();
  assert.deepEqual(hub.socket.sent, []);
});

test("an answer that comes after the watch ended changes nothing", async () => {
  const hub = await open();
  const stop = hub.client.watch(["a"]);
  await settle();
  const asked = hub.socket.last;
  stop();
  await settle();
  await hub.answer(asked, "1");
  assert.equal(hub.client.presences.size, 0);
});

test("chunks of at most max_uids, and within max_message_bytes", async () => {
  const hub = await open({ max_uids: 40, max_message_bytes: 700 });
  hub.client.watch(many(100));
  await settle();
  await hub.clock.advance(1000);
  const asked = hub.socket.of("subscribe");
  assert.ok(asked.length > 3);
  assert.deepEqual(asked.flatMap((m) => m.uids), many(100));
  for (const m of asked) assert.ok(JSON.stringify(m).length <= 700 && m.uids.length <= 40);
});

test("stays under max_messages_per_second in every window", async () => {
  const hub = await open({ max_uids: 1, max_messages_per_second: 10 });
  hub.client.watch(many(50));
  await settle();
  await hub.clock.advance(10_000);
  const at = hub.socket.sentAt;
  assert.equal(at.length, 50);
  for (const start of at) assert.ok(at.filter((t) => t >= start && t < start + 1000).length <= 10);
  assert.ok(at.at(-1) - at[0] <= 7000, "slower than it has to be");
});

test("denied: an event, a state, and no offline", async () => {
  const hub = await open();
  const seen = [];
  hub.client.watch(["x"], (p) => seen.push(p));
  await settle();
  await hub.answer(hub.socket.last, "1", { presences: [], denied: ["x"] });
  assert.deepEqual(hub.of("denied"), [{ uids: ["x"] }]);
  assert.deepEqual(seen.map((p) => [p.denied, p.known, p.online]), [[true, false, null]]);
});

test("a renewed token that covers fewer: those it lost are denied at once", async () => {
  const hub = await open();
  const seen = [];
  hub.client.watch(["x"], (p) => seen.push(p));
  await settle();
  await hub.answer(hub.socket.last, "1", { presences: [{ uid: "x", online: true, status: { web: "1" }, ext: "", last_time: 1, observed_at: 2 }] });
  await hub.socket.receive({ type: "subscribed", cursor: "2", presences: [], pending: [], denied: ["x", "stranger"], complete: true });
  assert.deepEqual(hub.of("denied"), [{ uids: ["x"] }]);
  assert.deepEqual(seen.map((p) => [p.denied, p.known, p.online]), [[false, true, true], [true, false, true]]);
});

test("a refused subscribe is an error event, and asked again a little later", async () => {
  const hub = await open();
  hub.client.watch(["a"]);
  await settle();
  await hub.socket.receive({ type: "error", id: hub.socket.last.id, code: "too_many_uids", message: "no" });
  assert.deepEqual(hub.of("error"), [{ code: "too_many_uids", message: "no", uids: ["a"], fatal: false }]);
  assert.equal(hub.client.get("a").known, false);
  await hub.clock.advance(10_000);
  assert.equal(hub.socket.of("subscribe").length, 2);
});

test("the welcome tells the limits before anybody is asked for, so that one may watch fewer", async () => {
  const hub = new FakeHub();
  assert.equal(hub.client.limits, null);
  const stop = hub.client.watch(["a", "b", "c"]);
  hub.client.addEventListener("welcome", ({ detail }) => {
    stop();
    hub.client.watch(["a", "b", "c"].slice(0, detail.limits.max_uids));
  });
  await hub.welcome({ max_uids: 2 });
  assert.deepEqual(hub.socket.sent.map((m) => [m.type, m.uids]), [["subscribe", ["a", "b"]]]);
  assert.equal(hub.client.limits.max_uids, 2);
  assert.ok(Object.isFrozen(hub.client.limits));
});

test("closing on the welcome leaves nothing behind", async () => {
  const hub = new FakeHub();
  hub.client.addEventListener("welcome", () => hub.client.close());
  await hub.welcome();
  assert.equal(hub.client.status, "closed");
  assert.equal(hub.clock.pending, 0);
});

test("a subscribe that nobody answers ends the connection", async () => {
  const hub = await open();
  hub.client.watch(["a"]);
  await settle();
  await hub.clock.advance(15_000);
  assert.equal(hub.of("status").at(-1).closeCode, 1006);
});

test("set resolves with its ok, rejects with its error, and times out", async () => {
  const hub = await open();
  const sets = ["web_1", "web_2", "web_3"].map((resource) => hub.client.set({ resource, status: 1 }));
  assert.deepEqual(hub.socket.sent[0], { type: "set", id: "1", resource: "web_1", status: "1", ext: "" });
  const timedOut = assert.rejects(sets[2], { code: "timeout" });
  const refused = assert.rejects(sets[1], { code: "not_allowed", message: "own uid only" });
  await hub.socket.receive({ type: "error", id: "2", code: "not_allowed", message: "own uid only" }, { type: "ok", id: "1" });
  await sets[0];
  await refused;
  await hub.clock.advance(15_000);
  await timedOut;
  assert.equal(hub.client.status, "open");
});

test("a callback that throws costs the others nothing", async () => {
  const hub = await open();
  const seen = [];
  hub.client.watch(["a"], () => { throw new Error("mine"); });
  hub.client.watch(["a"], (p) => seen.push(p.uid));
  await settle();
  await hub.answer(hub.socket.last, "1");
  assert.deepEqual(seen, ["a"]);
  assert.equal(hub.of("error")[0].code, "callback");
});

test("a presence of somebody not watched is not taken in", async () => {
  const hub = await open();
  await hub.socket.receive(changes("2", presence("stranger")));
  assert.equal(hub.client.presences.size, 0);
});

test("what callers get cannot be changed by them", async () => {
  const hub = await open();
  hub.client.watch(["a"]);
  await settle();
  await hub.answer(hub.socket.last, "1");
  assert.ok(Object.isFrozen(hub.client.get("a")) && Object.isFrozen(hub.client.get("a").status));
});
