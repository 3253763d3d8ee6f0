import assert from "node:assert/strict";
import { test } from "node:test";
import { isDeepStrictEqual } from "node:util";
import { FakeHub, changes, golden, presence, settle } from "../testing/harness.js";

/**
 * A client that holds a and b as of cursor 10, and has just lost its connection. What it tells from then on is
 * in `turned` where a state only became stale or current again, and in `seen` otherwise.
 */
async function lost(code = 1006) {
  const hub = new FakeHub();
  const [seen, turned, last] = [[], [], new Map()];
  hub.client.watch(["a", "b"], (p) => {
    const { stale, ...rest } = p;
    if (isDeepStrictEqual(rest, last.get(p.uid))) turned.push([p.uid, stale]);
    else seen.push(p);
    last.set(p.uid, rest);
  });
  await hub.welcome();
  await hub.answer(hub.socket.last, "10");
  seen.length = 0;
  await hub.socket.drop(code);
  return { hub, seen, turned, reconnect: () => hub.clock.advance(30_000) };
}

test("resumes with the newest cursor for whom it holds, and without for whom it does not", async () => {
  const { hub, reconnect } = await lost();
  hub.client.watch(["c"], () => {});
  await reconnect();
  await hub.welcome();
  assert.deepEqual(
    hub.socket.of("subscribe").map(({ uids, since }) => ({ uids, since })),
    [{ uids: ["a", "b"], since: "10" }, { uids: ["c"], since: undefined }],
  );
});

test("the cursor of changes is the one to resume from", async () => {
  const hub = new FakeHub();
  hub.client.watch(["a"]);
  await hub.welcome();
  await hub.answer(hub.socket.last, "10");
  await hub.socket.receive(changes("11", presence("a", { observed_at: 2000 })));
  await hub.socket.drop(1012);
  await hub.clock.advance(30_000);
  await hub.welcome();
  assert.equal(hub.socket.last.since, "11");
});

test("a resume that was half answered starts again where each half stands", async () => {
  const { hub, reconnect } = await lost();
  await reconnect();
  await hub.welcome({ max_uids: 1 });
  const [first] = hub.socket.of("subscribe");
  await hub.answer(first, "20", { presences: [] });
  await hub.socket.receive(changes("21"));
  await hub.socket.drop(1006);
  await reconnect();
  await hub.welcome();
  assert.deepEqual(
    hub.socket.of("subscribe").map(({ uids, since }) => ({ uids, since })),
    [{ uids: ["a"], since: "21" }, { uids: ["b"], since: "10" }],
  );
});

test("a resume answers only what changed; the rest stays, and stays known", async () => {
  const { hub, seen, reconnect } = await lost();
  await reconnect();
  await hub.welcome();
  await hub.answer(hub.socket.last, "20", { presences: [presence("a", { online: false, observed_at: 3000 })] });
  assert.deepEqual(seen.map((p) => p.uid), ["a"]);
  assert.equal(hub.client.get("a").online, false);
  assert.equal(hub.client.get("b").known, true);
});

test("is stale until the resume is answered, and never says offline meanwhile", async () => {
  const { hub, seen, turned, reconnect } = await lost();
  assert.deepEqual(turned, [["a", true], ["b", true]], "every state says so itself");
  assert.deepEqual([hub.client.get("a").stale, hub.client.get("a").state], [true, "online"]);
  assert.equal(hub.client.stale, true);
  assert.equal(hub.client.status, "stale");
  assert.equal(hub.client.get("a").online, true);
  const asOf = hub.client.asOf;
  await reconnect();
  await hub.welcome();
  assert.equal(hub.client.stale, true, "welcomed, but not caught up");
  assert.equal(hub.client.asOf, asOf);
  await hub.answer(hub.socket.last, "20", { presences: [] });
  assert.equal(hub.client.stale, false);
  assert.equal(hub.client.status, "open");
  assert.deepEqual(seen, []);
  assert.deepEqual(turned.slice(2), [["a", false], ["b", false]]);
});

test("complete:false replaces what is held, older or not", async () => {
  const { hub, reconnect } = await lost();
  await reconnect();
  await hub.welcome();
  await hub.answer(hub.socket.last, "x1", { complete: false, presences: [presence("a", { observed_at: 5, ext: "new stream" })] });
  assert.equal(hub.client.get("a").ext, "new stream");
  const b = hub.client.get("b");
  assert.deepEqual([b.known, b.stale, b.online], [false, true, true], "everything was sent, b was not in it");
});

test("never goes back in time otherwise", async () => {
  const { hub, seen, reconnect } = await lost();
  await reconnect();
  await hub.welcome();
  await hub.answer(hub.socket.last, "20", { presences: [presence("a", { observed_at: 999, online: false })] });
  await hub.socket.receive(changes("21", presence("b", { observed_at: 999, online: false })));
  assert.deepEqual(seen, []);
  assert.equal(hub.client.get("a").online, true);
  await hub.socket.receive(changes("22", presence("b", { observed_at: 1001, online: false })));
  assert.equal(hub.client.get("b").online, false);
});

test("the same state told twice is told on once", async () => {
  const { hub, seen, reconnect } = await lost();
  await reconnect();
  await hub.welcome();
  await hub.answer(hub.socket.last, "20");
  assert.deepEqual(seen, []);
});

test("pending: not known until the change comes, what was held stays visible as stale", async () => {
  const { hub, seen, reconnect } = await lost();
  hub.client.watch(["n"], (p) => seen.push(p));
  await reconnect();
  await hub.welcome();
  const [resumed, fresh] = hub.socket.of("subscribe");
  await hub.answer(resumed, "20", { presences: [], pending: ["a"] });
  await hub.answer(fresh, "20", { presences: [], pending: ["n"] });
  assert.deepEqual(seen.map(({ uid, known, stale, online }) => ({ uid, known, stale, online })), [
    { uid: "a", known: false, stale: true, online: true },
    { uid: "n", known: false, stale: false, online: null },
  ]);
  await hub.socket.receive(changes("21", presence("a", { observed_at: 4000 }), presence("n")));
  assert.deepEqual(["a", "n"].map((uid) => hub.client.get(uid).known), [true, true]);
  assert.equal(hub.client.get("a").stale, false);
});

test("whom the hub left pending is asked for without since", async () => {
  const hub = new FakeHub();
  hub.client.watch(["a", "p"]);
  await hub.welcome();
  await hub.answer(hub.socket.last, "10", { presences: [presence("a")], pending: ["p"] });
  await hub.socket.drop(1001);
  await hub.clock.advance(30_000);
  await hub.welcome();
  assert.deepEqual(hub.socket.of("subscribe").map((m) => [m.uids, m.since]), [[["a"], "10"], [["p"], undefined]]);
});

test("the golden frames tell one story", async () => {
  const hub = new FakeHub();
  hub.client.watch(["c1", "c2", "u9", "x"]);
  await hub.welcome();
  await hub.socket.receive(golden("subscribed"));
  assert.deepEqual([...hub.client.presences.values()].map((p) => [p.uid, p.online, p.known, p.denied]), [
    ["c1", false, true, false], ["c2", true, true, false], ["u9", null, false, false], ["x", null, false, true],
  ]);
  assert.deepEqual(hub.of("denied"), [{ uids: ["x"] }]);
  await hub.socket.receive(golden("changes"));
  assert.equal(hub.client.get("c2").ext, "in a meeting");
  await hub.socket.receive(golden("feed"));
  assert.equal(hub.client.stale, true);
  assert.equal(hub.client.asOf, golden("feed").as_of);
  await settle();
});

test("who was asked for while nothing changed resumes from where the others do", async () => {
  const hub = new FakeHub();
  hub.client.watch(["a"]);
  await hub.welcome();
  await hub.answer(hub.socket.last, "1");
  hub.client.watch(["b"]);
  await settle();
  await hub.answer(hub.socket.last, "1b");
  assert.equal(hub.client.wanted.since, "1");
});

test("an answer for who was let go of meanwhile says nothing of who is watched since", async () => {
  const hub = new FakeHub();
  const off = hub.client.watch(["a"]);
  await hub.welcome();
  const first = hub.socket.last;
  off();
  await settle();
  hub.client.watch(["a"]);
  await settle();
  await hub.answer(first, "1", { presences: [] });
  assert.equal(hub.client.get("a"), undefined, "the hub has said nothing of them");
  await hub.answer(hub.socket.last, "2");
  assert.equal(hub.client.get("a").known, true);
});
