import assert from "node:assert/strict";
import { test } from "node:test";
import { Cursors } from "../client/cursors.js";

test("a changes cursor covers whoever was answered before it, and only them", () => {
  const c = new Cursors();
  c.answered(["a"], "1", null);
  c.changes("2");
  assert.equal(c.since("a"), "2");
  assert.equal(c.since("b"), null);
});

test("who is not answered yet keeps the cursor of the last connection", () => {
  const c = new Cursors();
  c.answered(["a", "b"], "1", null);
  c.disconnected();
  c.answered(["a"], "5", null);
  c.changes("6");
  assert.equal(c.since("a"), "6");
  assert.equal(c.since("b"), "1");
  c.disconnected();
  assert.equal(c.since("a"), "6");
  assert.equal(c.since("b"), "1");
});

test("an answer joins live where live has not moved since it was asked for", () => {
  const c = new Cursors();
  c.answered(["a"], "1", null);
  c.answered(["b"], "3", "1"); // at least as new as live
  assert.equal(c.since("b"), "1");
  assert.equal(c.since("a"), "1");
});

test("an answer overtaken by changes keeps its own cursor until the next ones", () => {
  const c = new Cursors();
  c.answered(["a"], "1", null);
  c.changes("4");
  c.answered(["b"], "3", "1");
  assert.equal(c.since("b"), "3");
  assert.equal(c.since("a"), "4");
  c.changes("5");
  assert.equal(c.since("b"), "5");
});

test("who is asked for again, and overtaken, no longer follows live", () => {
  const c = new Cursors();
  c.answered(["a"], "1", null);
  c.changes("4");
  c.answered(["a"], "3", "1");
  assert.equal(c.since("a"), "3");
});

// A model of hub and client: the log is a list of uids, a cursor is a position in it, a client holds
// for each uid the position of the newest entry it has seen. Whatever the order of asking, answering,
// overtaking and losing the connection: resuming from since() never skips an entry.
test("no order of events makes a resume skip a change", () => {
  const uids = ["a", "b", "c", "d"];
  for (let seed = 1; seed <= 3000; seed++) {
    const random = generator(seed);
    const pick = (list) => list[Math.floor(random() * list.length)];
    const newest = (uid, upTo) => (upTo > 0 ? log.lastIndexOf(uid, upTo - 1) + 1 : 0); // 0: never
    const log = [];
    const held = new Map();
    const c = new Cursors();
    let asked = []; // subscribes under way: {uids, since, live, snapshot}
    let on = new Set(); // answered on this connection
    let told = 0; // how far the changes of this connection have been sent
    for (let step = 0; step < 60; step++) {
      const what = random();
      if (what < 0.3) log.push(pick(uids));
      else if (what < 0.5) {
        const uid = pick(uids);
        if (!on.has(uid) && !asked.some((q) => q.uid === uid)) {
          asked.push({ uid, since: held.has(uid) ? c.since(uid) : null, live: c.live, snapshot: null });
        }
      } else if (what < 0.6 && asked.length > 0) {
        pick(asked).snapshot ??= log.length; // the hub reads its state; later changes are still to be sent
      } else if (what < 0.75 && asked[0]?.snapshot != null) {
        const q = asked.shift();
        // A delta holds the newest entry if it is after since; otherwise what is held has to be it.
        const at = newest(q.uid, q.snapshot);
        const since = q.since === null ? -1 : Number(q.since);
        if (at > since) held.set(q.uid, Math.max(at, held.get(q.uid) ?? 0));
        c.answered([q.uid], String(q.snapshot), q.live);
        on.add(q.uid);
        told = Math.min(told, q.snapshot);
      } else if (what < 0.92) {
        told = log.length;
        for (const uid of on) held.set(uid, Math.max(newest(uid, told), held.get(uid) ?? 0));
        if (on.size > 0 || random() < 0.3) c.changes(String(told));
      } else {
        c.disconnected();
        asked = [];
        on = new Set();
      }
      for (const uid of held.keys()) {
        const since = c.since(uid);
        assert.ok(since !== null);
        assert.ok(held.get(uid) >= newest(uid, Number(since)), `seed ${seed}: ${uid} holds ${held.get(uid)}, resumes from ${since}`);
      }
    }
  }
});

function generator(seed) {
  let s = seed;
  return () => ((s = (s * 1664525 + 1013904223) >>> 0), s / 2 ** 32);
}
