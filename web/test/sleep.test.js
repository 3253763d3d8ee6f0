import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeHub, FakePage, settle } from "../testing/harness.js";

async function open(options) {
  const page = new FakePage();
  const hub = new FakeHub({ page, ...options });
  hub.client.watch(["a"]);
  await hub.welcome();
  await hub.answer(hub.socket.last, "7");
  return { hub, page };
}

test("a hidden page lets go of its connection after a minute, and is shown stale, not offline", async () => {
  const { hub, page } = await open();
  page.hide();
  await hub.clock.advance(40_000);
  await hub.socket.receive({ type: "pong" });
  await hub.clock.advance(19_999);
  assert.equal(hub.client.status, "open");
  await hub.clock.advance(1);
  assert.equal(hub.client.status, "stale");
  assert.equal(hub.sockets[0].closedByClient, true);
  assert.deepEqual([hub.client.get("a").state, hub.client.get("a").stale], ["online", true]);
  assert.equal(hub.clock.pending, 0, "asleep is asleep");
  await hub.clock.advance(3_600_000);
  assert.equal(hub.sockets.length, 1);
});

test("a page that is shown again wakes at once, where it was", async () => {
  const { hub, page } = await open();
  page.hide();
  for (let i = 0; i < 3; i++) {
    await hub.socket.receive({ type: "pong" });
    await hub.clock.advance(20_000);
  }
  await page.show();
  assert.equal(hub.sockets.length, 2);
  await hub.welcome();
  assert.equal(hub.socket.last.since, "7");
  await hub.answer(hub.socket.last, "8", { presences: [] });
  assert.equal(hub.client.get("a").stale, false);
});

test("a glance elsewhere costs one ping", async () => {
  const { hub, page } = await open();
  page.hide();
  await hub.clock.advance(10_000);
  await page.show();
  assert.equal(hub.sockets.length, 1);
  assert.equal(hub.socket.last.type, "ping");
  await hub.socket.receive({ type: "pong" });
  for (let i = 0; i < 4; i++) {
    await hub.clock.advance(14_000);
    assert.equal(hub.client.status, "open", "the time before does not count");
    await hub.socket.receive({ type: "pong" });
  }
});

test("a network that is back does not wait out the back-off", async () => {
  const { hub, page } = await open();
  for (let i = 0; i < 5; i++) {
    await hub.socket.drop(1006);
    if (i < 4) await hub.clock.advance(30_000);
  }
  const before = hub.sockets.length;
  await page.tell("online");
  assert.equal(hub.sockets.length, before + 1);
});

test("a socket that did not survive the change of network is found out within seconds", async () => {
  const { hub, page } = await open();
  await page.tell("online");
  assert.equal(hub.socket.last.type, "ping");
  await hub.clock.advance(5000);
  assert.equal(hub.client.status, "stale");
  await hub.clock.advance(1000);
  assert.equal(hub.sockets.length, 2);
});

test("a page that is left lets go at once, and one that comes back from the cache connects", async () => {
  const { hub, page } = await open();
  await page.tell("pagehide");
  assert.equal(hub.sockets[0].closedByClient, true);
  await page.tell("pageshow");
  assert.equal(hub.sockets.length, 2);
});

test("sleepAfterMs: Infinity keeps a hidden page awake", async () => {
  const { hub, page } = await open({ sleepAfterMs: Infinity });
  page.hide();
  for (let i = 0; i < 100; i++) {
    await hub.clock.advance(20_000);
    await hub.socket.receive({ type: "pong" });
  }
  assert.equal(hub.client.status, "open");
});

test("a page opened in the background sleeps too", async () => {
  const page = new FakePage();
  page.hide();
  const hub = new FakeHub({ page });
  await hub.welcome();
  for (let i = 0; i < 6; i++) {
    await hub.clock.advance(10_000);
    await hub.socket.receive({ type: "pong" });
  }
  assert.deepEqual([hub.client.status, hub.clock.pending], ["stale", 0], "asleep, not lost");
  await hub.clock.advance(3_600_000);
  assert.equal(hub.sockets.length, 1);
});

test("a page that is hidden twice and shown once stays awake", async () => {
  const { hub, page } = await open();
  for (let i = 0; i < 2; i++) {
    page.hide();
    await hub.clock.advance(10_000);
  }
  await page.show();
  for (let i = 0; i < 6; i++) {
    await hub.socket.receive({ type: "pong" });
    await hub.clock.advance(10_000);
  }
  assert.equal(hub.client.status, "open");
});

test("a network that is back is a sign for a hidden page, too", async () => {
  const { hub, page } = await open();
  page.hide();
  await hub.socket.drop(1006);
  assert.equal(hub.sockets.length, 1);
  await page.tell("online");
  assert.equal(hub.sockets.length, 2);
});

test("what was closed while hidden does not fall asleep later", async () => {
  const { hub, page } = await open();
  page.hide();
  hub.client.close();
  assert.equal(hub.clock.pending, 0);
  await hub.clock.advance(60_000);
  assert.equal(hub.client.status, "closed");
});

test("what was closed, by us or for good, is not woken", async () => {
  const { hub, page } = await open();
  hub.client.close();
  await page.show();
  await page.tell("online");
  assert.equal(hub.sockets.length, 1);
  const other = await open();
  await other.hub.socket.drop(4403);
  await other.page.tell("online");
  await settle();
  assert.equal(other.hub.sockets.length, 1);
});
