import assert from "node:assert/strict";
import { test } from "node:test";
import { claimsOf, lifeOf } from "../client/frames.js";
import { FakeHub, jwt, settle } from "../testing/harness.js";

const HOUR = 3_600_000;
const START = 1_790_000_000;

/** A hub that welcomed a client whose function gives tokens of an hour. */
async function open(give) {
  let asked = 0;
  const tokens = [];
  const hub = new FakeHub({
    token: async () => {
      const token = await (give ?? ((n) => jwt({ sub: "alice", n, iat: at(), exp: at() + 3600 })))(++asked);
      tokens.push(token);
      return token;
    },
  });
  const at = () => Math.floor(hub.clock.now() / 1000);
  await hub.welcome();
  return { hub, tokens };
}

test("what a token says of itself", () => {
  assert.equal(claimsOf(jwt({ sub: "älice", exp: 5 })).exp, 5);
  for (const bad of [undefined, "", "a.b.c", "opaque", "a.bnVsbA.c"]) assert.deepEqual(claimsOf(bad), {});
  assert.equal(lifeOf("opaque", 0), null);
  assert.equal(lifeOf(jwt({ exp: 100 }), 40_000), 60_000);
  assert.equal(lifeOf(jwt({ exp: 100 }), 140_000), null, "expired by a clock of which we know nothing");
  assert.equal(lifeOf(jwt({ iat: 90, exp: 100 }), 40_000), 10_000, "a clock behind does not prolong it");
  assert.equal(lifeOf(jwt({ iat: 90, exp: 100 }), 140_000), 10_000, "a clock ahead does not make it dead");
});

/** Moves on while the hub answers every ping. */
async function live(hub, ms) {
  for (let passed = 0; passed < ms; passed += 20_000) {
    await hub.clock.advance(20_000);
    await hub.socket.receive({ type: "pong" });
    for (const { id } of hub.socket.of("auth")) await hub.socket.receive({ type: "ok", id });
  }
}

test("a token function is asked again before the token expires, on the same socket", async () => {
  const { hub, tokens } = await open();
  await live(hub, 0.74 * HOUR);
  assert.equal(tokens.length, 1, "too early");
  await live(hub, 0.12 * HOUR);
  assert.equal(tokens.length, 2);
  assert.equal(hub.sockets.length, 1);
  assert.deepEqual(hub.socket.of("auth").map((m) => m.token), [tokens[1]]);
});

test("and again, for as long as the connection lives", async () => {
  const { hub, tokens } = await open();
  await live(hub, 5 * HOUR);
  assert.equal(hub.sockets.length, 1);
  assert.ok(tokens.length >= 6 && tokens.length <= 7, `${tokens.length} tokens in five hours`);
  assert.deepEqual(hub.socket.of("auth").map((m) => m.token), tokens.slice(1));
});

test("a renewal that fails is told, and tried again", async () => {
  const { hub, tokens } = await open((n) => {
    if (n === 2) throw new Error("no network");
    return jwt({ iat: START, exp: START + 3600 });
  });
  await live(hub, 0.9 * HOUR);
  assert.deepEqual(hub.of("error").map((e) => [e.code, e.fatal]), [["token", false]]);
  assert.ok(tokens.length >= 2);
  assert.equal(hub.client.status, "open");
});

test("a fixed token, and one that does not say when it ends, are left alone", async () => {
  for (const token of [jwt({ iat: START, exp: START + 60 }), () => "opaque"]) {
    const hub = new FakeHub({ token });
    await hub.welcome();
    await live(hub, HOUR);
    assert.deepEqual(hub.socket.of("auth"), []);
  }
});

test("a token that comes for a connection that is gone is not sent on the next", async () => {
  let give;
  const hub = new FakeHub({ token: () => new Promise((resolve) => (give = resolve)) });
  await settle();
  give("first");
  await hub.welcome();
  const renewed = hub.client.renew();
  await settle();
  const late = give;
  await hub.socket.drop(1006);
  await hub.clock.advance(1000);
  give("second");
  await hub.welcome();
  late("late");
  await renewed;
  assert.deepEqual(hub.socket.of("auth"), []);
});

test("tokens of hardly any life are not asked for in a loop", async () => {
  const { hub, tokens } = await open(() => jwt({ iat: START, exp: START + 1 }));
  await hub.clock.advance(4999);
  assert.equal(tokens.length, 1);
  await hub.clock.advance(1);
  assert.equal(tokens.length, 2);
});
