import assert from "node:assert/strict";
import { test } from "node:test";
import { Relay } from "../client/relay.js";
import { connect } from "../client/shared.js";
import { FakeClock, FakeHub, changes, golden, jwt, presence, settle } from "../testing/harness.js";

/** Two ends that pass on copies, a little later, as message ports do. */
function channel() {
  const ends = [{}, {}];
  ends.forEach((end, i) => {
    end.postMessage = (data) => {
      const copy = structuredClone(data);
      if (!end.closed) queueMicrotask(() => ends[1 - i].onmessage?.({ data: copy }));
    };
    end.close = () => (end.closed = true);
  });
  return ends;
}

/** A browser: tabs, and the workers that they share by name. */
class Browser {
  clock = new FakeClock();
  workers = new Map(); // name -> Relay
  hubs = []; // one for each client of a worker

  startWorker = (name) => {
    const create = (options) => {
      const hub = new FakeHub({ clock: this.clock, ...options });
      this.hubs.push(hub);
      return hub.client;
    };
    if (!this.workers.has(name)) this.workers.set(name, new Relay(create));
    const [port, other] = channel();
    this.workers.get(name).attach(other);
    return { port };
  };

  get hub() {
    return this.hubs.at(-1);
  }

  /** A tab that watches `uids`, and what it is told. */
  async tab(uids, options) {
    const { setTimeout, clearTimeout, now } = this.clock;
    const client = connect({ url: "ws://hub.test/v1/ws", startWorker: this.startWorker, WebSocket: class {}, fallback: false, setTimeout, clearTimeout, now, ...options });
    const [seen, errors] = [[], []];
    client.addEventListener("error", ({ detail }) => errors.push([detail.code, detail.closeCode]));
    const off = client.watch(uids, (p) => seen.push([p.uid, p.state, p.stale]));
    await settle();
    return { client, seen, errors, off };
  }
}

/** Two tabs over a worker that is connected; a is watched by both, b by the second. */
async function two() {
  const browser = new Browser();
  const one = await browser.tab(["a"]);
  await browser.hub.welcome();
  await browser.hub.answer(browser.hub.socket.last, "1");
  const other = await browser.tab(["a", "b"]);
  await browser.hub.answer(browser.hub.socket.last, "1");
  await settle();
  return { browser, hub: browser.hub, one, other };
}

test("tabs share one socket, and one subscription of whom they both watch", async () => {
  const { browser, hub, one, other } = await two();
  assert.deepEqual([browser.hubs.length, hub.sockets.length], [1, 1]);
  assert.deepEqual(hub.socket.of("subscribe").map((m) => m.uids), [["a"], ["b"]]);
  assert.deepEqual([one.client.status, one.client.uid, one.client.limits.max_uids], ["open", "alice", 1000]);
  assert.deepEqual(other.seen.filter(([, state]) => state !== "unknown").map(([uid]) => uid).sort(), ["a", "b"]);
  assert.deepEqual(["a", "b"].map((uid) => other.client.get(uid).state), ["online", "online"]);
});

test("a change reaches every tab that watches, once", async () => {
  const { hub, one, other } = await two();
  one.seen.length = other.seen.length = 0;
  await hub.socket.receive(changes("2", presence("a", { online: false, observed_at: 2000 }), presence("b", { observed_at: 2000, ext: "x" })));
  await settle();
  assert.deepEqual(one.seen, [["a", "offline", false]]);
  assert.deepEqual(other.seen.sort(), [["a", "offline", false], ["b", "online", false]]);
});

test("who is watched by no tab any more is let go of", async () => {
  const { hub, one, other } = await two();
  one.off();
  await settle();
  assert.deepEqual(hub.socket.of("unsubscribe"), []);
  other.off();
  await settle();
  assert.deepEqual(hub.socket.of("unsubscribe").flatMap((m) => m.uids), ["a", "b"]);
});

test("a lost connection is stale in every tab, never offline, and resumes by its cursor", async () => {
  const { browser, hub, one, other } = await two();
  await hub.socket.drop(1006);
  await settle();
  for (const { client } of [one, other]) assert.deepEqual([client.stale, client.feed.state, client.get("a").state, client.get("a").stale], [true, "down", "online", true]);
  await browser.clock.advance(1000);
  await hub.welcome();
  assert.deepEqual(hub.socket.of("subscribe").map((m) => [m.uids, m.since]), [[["a", "b"], "1"]]);
  await hub.answer(hub.socket.last, "3", { presences: [] });
  await settle();
  for (const { client } of [one, other]) assert.deepEqual([client.stale, client.get("a").stale], [false, false]);
});

test("denied and pending are told apart in tabs, too", async () => {
  const { hub, other } = await two();
  other.client.watch(["x", "p"]);
  await settle();
  await hub.answer(hub.socket.last, "2", { presences: [], denied: ["x"], pending: ["p"] });
  await settle();
  assert.deepEqual(["x", "p"].map((uid) => [other.client.get(uid).denied, other.client.get(uid).state]), [[true, "unknown"], [false, "unknown"]]);
});

test("a stream made anew replaces what tabs hold, older or not", async () => {
  const { browser, hub, one } = await two();
  await hub.socket.drop(1006);
  await browser.clock.advance(1000);
  await hub.welcome();
  await hub.answer(hub.socket.last, "n1", { complete: false, presences: [presence("a", { observed_at: 5, ext: "anew" })] });
  await settle();
  assert.equal(one.client.get("a").ext, "anew");
});

test("set goes through, and its refusal comes back", async () => {
  const { hub, one } = await two();
  const set = one.client.set({ resource: "web", status: 1 });
  await settle();
  const { id, resource } = hub.socket.last;
  assert.equal(resource, "web");
  const refused = assert.rejects(set, { code: "not_allowed" });
  await hub.socket.receive({ type: "error", id, code: "not_allowed", message: "no" });
  await refused;
});

test("tabs of other users, and of the same with other rights, share nothing", async () => {
  const browser = new Browser();
  const tokens = [{ sub: "alice", watch: "*" }, { sub: "bob", watch: "*" }, { sub: "alice", watch: "team-*" }, { sub: "alice", watch: "*", exp: 1e10 }];
  for (const claims of tokens) await browser.tab(["a"], { token: jwt(claims) });
  assert.equal(browser.workers.size, 3);
  assert.deepEqual(browser.hubs.map((hub) => hub.socket.protocols[1]), tokens.slice(0, 3).map((claims) => `bearer.${jwt(claims)}`));
});

test("a token that one tab brings renews the connection of all", async () => {
  const browser = new Browser();
  const fresh = (exp) => jwt({ sub: "alice", exp: browser.clock.now() / 1000 + exp });
  await browser.tab(["a"], { token: fresh(60) });
  await browser.hub.welcome();
  await browser.tab(["a"], { token: fresh(3600) });
  assert.equal(browser.hub.socket.last.token, fresh(3600));
  await browser.tab(["a"], { token: fresh(100) });
  assert.equal(browser.hub.socket.of("auth").length, 1, "one that ends sooner is of no use");
});

test("an expired token is asked of the tabs, and their next one reopens the connection", async () => {
  const browser = new Browser();
  let asked = 0;
  const { client } = await browser.tab(["a"], { token: () => jwt({ sub: "alice", exp: 1_790_000_000 + 100 * ++asked }) });
  await browser.hub.welcome();
  await browser.hub.socket.drop(4401);
  await browser.clock.advance(0);
  await settle();
  assert.equal(asked, 2);
  await browser.hub.welcome();
  assert.deepEqual([browser.hubs.length, browser.hub.sockets.length], [1, 2]);
  assert.deepEqual([client.status, client.stale], ["open", false]);
});

test("a user who changes gets a worker of their own", async () => {
  const browser = new Browser();
  let sub = "alice";
  const { client } = await browser.tab(["a"], { token: () => jwt({ sub, exp: 1_790_003_600 }) });
  await browser.hub.welcome();
  sub = "bob";
  await assert.rejects(client.renew(), { code: "disconnected" });
  await browser.clock.advance(1000);
  assert.equal(browser.workers.size, 2);
  assert.match(browser.hub.socket.protocols[1], new RegExp(jwt({ sub: "bob", exp: 1_790_003_600 })));
});

test("not allowed is not allowed in every tab, for good", async () => {
  const { browser, hub, one, other } = await two();
  await hub.socket.drop(4403);
  await settle();
  for (const { client, errors } of [one, other]) assert.deepEqual([client.status, errors], ["closed", [["closed", 4403]]]);
  await browser.clock.advance(600_000);
  assert.deepEqual([browser.hubs.length, hub.sockets.length, browser.clock.pending], [1, 1, 0]);
});

test("when the last tab has gone the connection goes, and a new tab brings it back", async () => {
  const { browser, hub, one, other } = await two();
  one.client.close();
  await settle();
  await browser.clock.advance(6000);
  assert.equal(hub.sockets[0].closedByClient, false);
  other.client.close();
  await settle();
  await browser.clock.advance(6000);
  assert.equal(hub.sockets[0].closedByClient, true);
  await browser.tab(["a"]);
  assert.equal(browser.hubs.length, 2);
});

test("a tab that crashed is let go of after a while, one that lives is not", async () => {
  const { browser, hub, one, other } = await two();
  other.client.clock.setTimeout = () => 0; // it never speaks again
  for (let i = 0; i < 12; i++) {
    await browser.clock.advance(20_000);
    await hub.socket.receive({ type: "pong" });
  }
  assert.deepEqual(hub.socket.of("unsubscribe").flatMap((m) => m.uids), ["b"]);
  assert.equal(one.client.status, "open");
  assert.equal(one.client.stale, false);
});

test("waking a tab makes the worker hurry", async () => {
  const { browser, hub, one } = await two();
  for (let i = 0; i < 4; i++) {
    await hub.socket.drop(1006);
    if (i < 3) await browser.clock.advance(8000);
  }
  const before = hub.sockets.length;
  one.client.connect();
  await settle();
  assert.equal(hub.sockets.length, before + 1);
});

test("where workers cannot be had, each tab has a socket of its own", async () => {
  const refuses = () => {
    throw new Error("SecurityError");
  };
  const hub = new FakeHub();
  const made = connect({ url: "ws://hub.test/v1/ws", WebSocket: hub.client.WebSocket, fallback: false, startWorker: refuses });
  await settle();
  assert.equal(hub.sockets.length, 2);
  made.close();
  assert.equal(connect({ url: "ws://hub.test/v1/ws", WebSocket: hub.client.WebSocket, connect: false }).status, "idle", "nor is there a SharedWorker in Node");
});

test("a worker whose script cannot be loaded is given up", async () => {
  const hub = new FakeHub();
  const workers = [];
  const { setTimeout, clearTimeout, now } = hub.clock;
  connect({ url: "ws://hub.test/v1/ws", WebSocket: hub.client.WebSocket, fallback: false, setTimeout, clearTimeout, now, startWorker: () => (workers.push({ port: channel()[0] }), workers.at(-1)) });
  await settle();
  assert.deepEqual([workers.length, hub.sockets.length], [1, 1]);
  workers[0].onerror();
  await hub.clock.advance(1000);
  assert.deepEqual([workers.length, hub.sockets.length], [1, 2]);
});

test("a feed that is behind is behind in every tab", async () => {
  const { hub, one } = await two();
  await hub.socket.receive(golden("feed"));
  await settle();
  assert.deepEqual([one.client.feed.state, one.client.stale, one.client.asOf], ["degraded", true, golden("feed").as_of]);
});

/** A tab that is played by hand: it says what it likes, when it likes. */
async function byHand() {
  const browser = new Browser();
  const { port } = browser.startWorker("by hand");
  const heard = [];
  port.onmessage = ({ data }) => data.say && heard.push(data.say);
  port.postMessage({ open: { url: "ws://hub.test/v1/ws" } });
  await settle();
  await browser.hub.welcome();
  const say = async (m) => (port.postMessage({ say: m }), await settle());
  return { browser, hub: browser.hub, relay: browser.workers.get("by hand"), heard, say };
}

test("a tab that subscribes twice lets go once", async () => {
  const { hub, say } = await byHand();
  await say({ type: "subscribe", id: "1", uids: ["a"] });
  await hub.answer(hub.socket.last, "1");
  await say({ type: "subscribe", id: "2", uids: ["a"] });
  await say({ type: "unsubscribe", id: "3", uids: ["a"] });
  assert.deepEqual(hub.socket.of("unsubscribe").map((m) => m.uids), [["a"]]);
});

test("a tab is not told of whom it has let go of meanwhile", async () => {
  const { hub, heard, say } = await byHand();
  await say({ type: "subscribe", id: "1", uids: ["a", "b"] });
  await hub.answer(hub.socket.last, "1");
  heard.length = 0;
  const gone = say({ type: "unsubscribe", id: "2", uids: ["a"] }); // on its way when the change comes
  hub.socket.onmessage({ data: JSON.stringify(changes("2", presence("a", { ext: "x", observed_at: 2000 }))) });
  await gone;
  assert.deepEqual(heard.filter((f) => f.type === "subscribed"), []);
});

test("subscribes are answered while there is no connection, before it goes or after", async () => {
  for (const when of ["before", "after"]) {
    const { browser, hub, heard, say } = await byHand();
    const asks = () => say({ type: "subscribe", id: "1", uids: ["z"] });
    if (when === "before") await asks();
    assert.deepEqual(heard.filter((f) => f.id === "1"), []);
    await hub.socket.drop(1006);
    if (when === "after") await asks();
    await settle();
    assert.deepEqual(heard.filter((f) => f.id === "1").map((f) => [f.type, f.pending]), [["subscribed", ["z"]]], when);
    assert.equal(browser.hubs.length, 1);
  }
});

test("a token that was refused is tried again when a tab brings it again", async () => {
  const browser = new Browser();
  const token = jwt({ sub: "alice" });
  const { client } = await browser.tab(["a"], { token });
  await browser.hub.welcome();
  await browser.hub.socket.drop(4401);
  await settle();
  assert.equal(client.status, "closed");
  await browser.tab(["a"], { token });
  assert.deepEqual([browser.hubs.length, browser.hub.sockets.length], [1, 2]);
});

test("a worker that never says anything is given up", async (t) => {
  const clock = new FakeClock();
  const plain = [];
  const WebSocket = class {
    constructor() {
      plain.push(this);
    }
  };
  t.mock.timers.enable({ apis: ["Date"], now: clock.now() });
  const { setTimeout, clearTimeout, now } = clock;
  const dumb = () => ({ port: channel()[0] });
  connect({ url: "ws://hub.test/v1/ws", WebSocket, fallback: false, setTimeout, clearTimeout, now, random: () => 0.5, startWorker: dumb });
  await settle();
  t.mock.timers.setTime(clock.now() + 15_000);
  await clock.advance(14_999);
  assert.equal(plain.length, 0);
  await clock.advance(600);
  assert.equal(plain.length, 1);
});
