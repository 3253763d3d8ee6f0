import assert from "node:assert/strict";
import { test } from "node:test";
import { connection, presence as presenceOf } from "../static/svelte.js";
import { connectionStore, presenceStore } from "../static/store.js";
import { FakeHub, changes, presence, settle } from "../testing/harness.js";

async function open() {
  const hub = new FakeHub();
  await hub.welcome();
  return hub;
}

test("a store of one is a presence, of several an object; unknown is not offline", async () => {
  const hub = await open();
  assert.deepEqual([presenceStore(hub.client, "a").get().state, presenceStore(hub.client, "a").get().online], ["unknown", null]);
  const store = presenceStore(hub.client, ["a", "B"]);
  assert.deepEqual(Object.keys(store.get()), ["a", "B"]);
  store.subscribe(() => {});
  await settle();
  await hub.answer(hub.socket.last, "1");
  assert.deepEqual([store.get().a.state, store.get().B.state], ["online", "online"]);
});

test("the value is the same object until something changes", async () => {
  const hub = await open();
  const store = presenceStore(hub.client, ["a", "b"]);
  assert.equal(store.get(), store.get());
  store.subscribe(() => {});
  await settle();
  await hub.answer(hub.socket.last, "1");
  const held = store.get();
  await hub.socket.receive({ type: "pong" }, changes("2", presence("stranger")));
  assert.equal(store.get(), held);
  await hub.socket.receive(changes("3", presence("a", { observed_at: 2000 })));
  assert.notEqual(store.get(), held);
  assert.equal(store.get().b, held.b);
});

test("listeners hear once a tick, and no more after they left", async () => {
  const hub = await open();
  const store = presenceStore(hub.client, ["a", "b", "c"]);
  let heard = 0;
  const off = store.subscribe(() => heard++);
  await settle();
  await hub.answer(hub.socket.last, "1");
  assert.equal(heard, 1);
  hub.socket.receive(changes("2", presence("a", { observed_at: 2000 })));
  off();
  await settle();
  assert.equal(heard, 1);
  assert.equal(hub.socket.last.type, "unsubscribe");
});

test("a Svelte store runs at once, then with each change", async () => {
  const hub = await open();
  const seen = [];
  const off = presenceOf(hub.client, "a").subscribe((p) => seen.push(p.state));
  await settle();
  await hub.answer(hub.socket.last, "1");
  await hub.socket.receive(changes("2", presence("a", { online: false, observed_at: 2000 })));
  off();
  assert.deepEqual(seen, ["unknown", "online", "offline"]);
});

test("the connection as a store", async () => {
  const hub = new FakeHub();
  const seen = [];
  const off = connection(hub.client).subscribe(({ status, stale, feed }) => seen.push([status, stale, feed?.state]));
  await hub.welcome();
  await hub.socket.drop(1006);
  off();
  hub.client.close();
  assert.deepEqual([seen[0], seen.at(-1)], [["idle", true, undefined], ["stale", true, "live"]]);
  assert.ok(seen.some(([status, stale, feed]) => status === "open" && !stale && feed === "live"));
  const store = connectionStore(hub.client);
  assert.equal(store.get(), store.get());
});
