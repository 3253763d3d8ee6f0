// Times on the page are by the hub's clock, however wrong the browser's is.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Api } from "../static/api.js";
import { verifiedText } from "../static/explain.js";
import { shown, staleText } from "../static/feedstate.js";
import { whenText } from "../static/format.js";
import { HubClock } from "../static/hubclock.js";

const HOUR = 3_600_000;
const second = (ms) => Math.floor(ms / 1000) * 1000; // as the header Date is cut off

/** A hub at its own time, and a browser whose clock is off by so many ms; an answer takes 40 ms each way. */
function world(off, hub = 1_790_000_000_300) {
  const w = { hub, clock: new HubClock(() => w.hub + off) };
  w.ask = () => {
    const asked = w.clock.here();
    w.hub += 40;
    const date = second(w.hub);
    w.hub += 40;
    w.clock.hear(date, asked, w.clock.here());
  };
  return w;
}

test("a clock that is off is put right to the second by one answer, and better by more", () => {
  for (const off of [-HOUR, -5000, 5000, HOUR]) {
    const w = world(off);
    assert.equal(w.clock.now() - w.hub, off, "nobody has said anything yet");
    w.ask();
    assert.ok(Math.abs(w.clock.now() - w.hub) <= 1080, `${off}: ${w.clock.now() - w.hub}`);
    for (let i = 0; i < 60; i++) {
      w.hub += 5017;
      w.ask();
    }
    assert.ok(Math.abs(w.clock.now() - w.hub) <= 120, `${off}: ${w.clock.now() - w.hub}`);
    assert.equal(w.clock.at(w.clock.here()), w.clock.now());
  }
});

test("a clock that is right, as far as an answer can tell, is left alone", () => {
  for (const off of [0, 200, -200]) {
    const w = world(off);
    w.ask();
    assert.equal(w.clock.now(), w.clock.here());
  }
});

test("a clock that is set meanwhile is seen through with the next answer", () => {
  const w = world(0);
  w.ask();
  const here = w.clock.here;
  w.clock.here = () => here() - HOUR;
  w.ask();
  assert.ok(Math.abs(w.clock.now() - w.hub) <= 1080);
});

test("an answer without a date says nothing", () => {
  const clock = new HubClock(() => 7_000_000);
  for (const date of [NaN, 0, -1, undefined]) clock.hear(date, 1, 2);
  assert.equal(clock.now(), 7_000_000);
});

test("every answer is heard, refusals too", async (t) => {
  const api = new Api();
  api.clock.here = () => 1_790_000_000_000 - HOUR;
  for (const status of [200, 403]) {
    const headers = { Date: new Date(1_790_000_000_000).toUTCString() };
    t.mock.method(globalThis, "fetch", async () => new Response("{}", { status, headers }));
    await api.ask("v1/presence").catch(() => {});
    assert.equal(api.clock.now(), 1_790_000_000_000);
    Object.assign(api, { clock: new HubClock(api.clock.here) });
  }
});

test("an hour off: what is said of people, of everybody and of the connection is as it is", () => {
  for (const off of [-HOUR, HOUR]) {
    const w = world(off);
    for (let i = 0; i < 20; i++) w.ask(), (w.hub += 3017);
    const now = w.clock.now();
    const p = { uid: "a", online: true, known: true, stale: false, observed_at: w.hub - 12_500, last_time: w.hub - 12_600, status: {}, ext: "" };
    assert.equal(whenText(p, now).left, "changed 12 s ago");
    assert.match(verifiedText(p, w.hub - 3500, now), /\(3 s ago\)\.$/);
    const live = { status: "stale", stale: true, feed: { state: "live", as_of: w.hub - 90_000 }, asOf: w.clock.here() };
    assert.ok(Math.abs(shown(live, w.clock).asOf - w.hub) < 200, "the client has gone by this machine's clock");
    const down = { ...live, status: "open", feed: { state: "down", as_of: w.hub - 5000 }, asOf: w.hub - 5000 };
    assert.equal(shown(down, w.clock).asOf, w.hub - 5000, "the hub has said it");
    assert.equal(shown({ ...live, asOf: null }, w.clock).asOf, null);
    const t = new Date(w.hub - 5000);
    const at = [t.getHours(), t.getMinutes(), t.getSeconds()].map((n) => String(n).padStart(2, "0")).join(":");
    assert.match(staleText(shown(down, w.clock), now).since, new RegExp(`as of ${at}\\.`));
  }
});
