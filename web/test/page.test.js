// The page's own logic: what it makes of states, of lists, of keys and of time. English; texts.test.js has the tables.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Api } from "../static/api.js";
import { deviceKind, deviceLabel, foldDevices } from "../static/devices.js";
import { feedState, feedWord, freshText, staleText } from "../static/feedstate.js";
import { changeOf, changeText, deviceWord, hue, initials, stateOf, stateWord, whenText } from "../static/format.js";
import { reorder } from "../static/list.js";
import { People, byName } from "../static/people.js";
import { Age, Rate, SECONDS, bars, line, niceTop } from "../static/series.js";
import { speak } from "../static/texts.js";
import { nextTheme } from "../static/theme.js";
import { ago, clock, moment, sinceWord, span } from "../static/time.js";
import { looksLikeToken, whyKey } from "../static/token.js";
import { MAX_UIDS, parseUids, tooManyText } from "../static/uids.js";
import { SPARE, rowsInSight, scrollBy, stepTo } from "../static/window.js";

const table = (name, f, cases) =>
  test(name, () => {
    for (const [input, want] of cases) assert.deepEqual(f(...[input].flat()), want, JSON.stringify(input));
  });

table("lists and ranges of people", parseUids, [
  ["", []],
  ["alice", ["alice"]],
  ["Alice, bob;carol\ndave", ["alice", "bob", "carol", "dave"]],
  ["a,,a, b", ["a", "b"]],
  ["user-0008..user-0011", ["user-0008", "user-0009", "user-0010", "user-0011"]],
  ["user-08..11", ["user-08", "user-09", "user-10", "user-11"]],
  ["u9..u11,x", ["u9", "u10", "u11", "x"]],
  ["1..3", ["1", "2", "3"]],
  ["a1b2..a1b4", ["a1b2", "a1b3", "a1b4"]],
  ["u3..u1", ["u3..u1"]],
  ["a1..b3", ["a1..b3"]],
  ["who..ever", ["who..ever"]],
  ["u1..u9007199254740999", ["u1..u9007199254740999"]],
  ["a9007199254740992..a9007199254740994", ["a9007199254740992", "a9007199254740993", "a9007199254740994"]],
]);

test("a huge range ends somewhere", () => {
  assert.equal(parseUids("u1..u99999999999").length, MAX_UIDS);
  assert.deepEqual(parseUids(null), []);
});

table("more people than the hub serves on one connection", tooManyText, [
  [[1000, 1000], ""],
  [[1001, 1000], "You asked for 1,001 people. This hub shows at most 1,000 on one connection: these are the first 1,000."],
  [[MAX_UIDS, 20], "You asked for 20,000 or more people. This hub shows at most 20 on one connection: these are the first 20."],
]);

table("how long ago", ago, [
  [[1000, 500], "just now"],
  [[0, 1499], "just now"],
  [[0, 12_300], "12 s ago"],
  [[0, 119_999], "1 min ago"],
  [[0, 7_200_000], "2 h ago"],
  [[0, 3 * 86_400_000], "3 d ago"],
]);

table("how long", span, [[-5, "0 s"], [999, "0 s"], [61_000, "1 min"], [86_399_999, "23 h"]]);

test("since when, as short as it is clear", () => {
  const now = new Date(2026, 4, 2, 15).getTime();
  assert.equal(sinceWord(new Date(2026, 4, 2, 14, 3, 22).getTime(), now), "14:03");
  assert.equal(sinceWord(new Date(2026, 0, 2, 14, 3, 22).getTime(), now), "Jan 2 14:03");
  assert.equal(sinceWord(new Date(2025, 11, 31).getTime(), now), "Dec 31, 2025");
});

table("initials", initials, [
  ["user-0042", "42"],
  ["user-0000", "0"],
  ["user-1000", "000"],
  ["alice", "AL"],
  ["john.smith", "JS"],
  ["_", "_"],
  ["ü", "Ü"],
]);

table("pictures of devices", deviceKind, [
  ["android", "android"],
  ["android_5e2c", "android"],
  ["iOS_3", "ios"],
  ["iPad", "ios"],
  ["webim_chrome_1700849740829", "web"],
  ["web_1", "web"],
  ["mac_1", "mac"],
  ["win_8ea5dc05-37dd", "win"],
  ["linux", "linux"],
  ["pc_2", "desktop"],
  ["desktop", "desktop"],
  ["wx_mini", "mini"],
  ["mobile_7", "phone"],
  ["fridge", "other"],
  ["", "other"],
]);

table("labels of devices", deviceLabel, [
  ["web_1", "web_1"],
  ["android", "android"],
  ["win_8ea5dc05-37dd-4a2b", "win · 8ea5"],
  ["webim_chrome_1700849740829", "chrome · 0829"],
  ["webim_random_firefox", "firefox"],
  ["a-very-long-device-name", "a-very-long…"],
]);

table("statuses of devices", deviceWord, [["0", "offline"], ["1", "online"], ["101", "status 101"]]);

table("devices that have room", foldDevices, [
  [{ a: "1", b: "0" }, { shown: ["a", "b"], folded: [] }],
  [{ a: "0", b: "0", c: "0", d: "0", e: "1" }, { shown: ["e", "a"], folded: ["b", "c", "d"] }],
  [{ a: "1", b: "1", c: "1", d: "0" }, { shown: ["a", "b", "c", "d"], folded: [] }],
]);

test("colours stay and differ", () => {
  assert.equal(hue("user-0001"), hue("user-0001"));
  assert.notEqual(hue("user-0001"), hue("user-0002"));
});

const p = (fields) => ({ uid: "a", online: true, status: { web: "1" }, ext: "", last_time: 0, observed_at: 10, known: true, denied: false, stale: false, ...fields });

table("states and their words", (presence) => [stateOf(presence), stateWord(presence)], [
  [null, ["unknown", "Unknown"]],
  [undefined, ["unknown", "Unknown"]],
  [p(), ["online", "Online"]],
  [p({ online: false }), ["offline", "Offline"]],
  [p({ stale: true, online: false }), ["offline", "Offline"]],
  [p({ known: false }), ["unknown", "Unknown"]],
  [p({ known: false, stale: true }), ["unknown", "Was online"]],
  [p({ known: false, stale: true, online: false }), ["unknown", "Was offline"]],
  [p({ known: false, denied: true, online: null }), ["unknown", "Not allowed"]],
]);

const change = (a, b) => {
  const found = changeOf(a, b);
  return found && { kind: found.kind, text: changeText(found), title: found.title };
};

table("changes in words", change, [
  [[null, p()], null],
  [[p({ known: false }), p()], null],
  [[p(), p({ known: false })], null],
  [[p(), p({ last_time: 9 })], null],
  [[p({ online: false, status: { web: "0" } }), p({ status: { web: "0", ios: "1" } })], { kind: "up", text: "came online on ios", title: "ios" }],
  [[p(), p({ online: false, status: { web: "0" } })], { kind: "away", text: "went offline", title: "web" }],
  [[p(), p({ status: { web: "101" }, ext: "busy" })], { kind: "edit", text: "web status 101, “busy”", title: "web" }],
  [[p({ ext: "busy" }), p()], { kind: "edit", text: "cleared the text", title: "" }],
  [[p({ status: { web: "1", ios: "1" } }), p()], { kind: "edit", text: "ios offline", title: "ios" }],
  [[p({ online: false, status: {} }), p({ status: {} })], { kind: "up", text: "came online", title: "" }],
  [[p({ status: {} }), p({ online: false, status: {} })], { kind: "away", text: "went offline", title: "" }],
  [[p({ last_time: 9, ext: "busy" }), p({ status: {} })], null],
  [[p({ status: {} }), p({ last_time: 9, ext: "busy" })], null],
  [[p({ last_time: 9 }), p({ online: false, status: {} })], { kind: "away", text: "went offline", title: "web" }],
  [[p({ online: false, status: {} }), p({ online: false, status: {}, ext: "back soon" })], { kind: "edit", text: "“back soon”", title: "" }],
  [[p(), p({ status: { web: "1", "win_8ea5dc05-37dd": "1" } })], { kind: "edit", text: "win\u00a0·\u00a08ea5 online", title: "win_8ea5dc05-37dd" }],
]);

test("what happened when", () => {
  const day = new Date(2026, 4, 2, 14, 3, 22).getTime();
  const at = (fields, how) => whenText(p({ observed_at: day, last_time: day - 3_600_000, ...fields }), day + 5000, how);
  assert.deepEqual(whenText(null, 0), { left: "waiting for the first look", right: "", title: "" });
  assert.equal(whenText(p({ observed_at: 0, denied: true }), 0).left, "your token does not allow it");
  assert.deepEqual([at().left, at().right], ["since 13:03", ""]);
  assert.deepEqual([at({}, { changed: true }).left, at({}, { changed: true }).right], ["changed 5 s ago", "active 1 h ago"]);
  assert.deepEqual([at({}, { stale: true }).left, at({ stale: true }).left], ["observed 5 s ago", "observed 5 s ago"]);
  assert.equal(at({ last_time: day - 1000 }).left, "changed 5 s ago");
  assert.equal(at().title, `observed ${moment(day)}, last login or logout ${moment(day - 3_600_000)}`);
});

test("people are counted, sought and ordered", () => {
  const people = new People();
  people.populate(["u10", "u9", "u1"]);
  assert.deepEqual(people.counts, { online: 0, offline: 0, unknown: 3 });
  assert.equal(people.take(p({ uid: "u10", observed_at: 5 })), null, "the first look is no change");
  people.take(p({ uid: "u1", online: false, status: { ios: "0" }, ext: "On Holiday", observed_at: 7 }));
  assert.equal(people.take(p({ uid: "stranger" })), null);
  assert.deepEqual(people.counts, { online: 1, offline: 1, unknown: 1 });
  assert.equal(people.take(p({ uid: "u10", observed_at: 6, ext: "x" })).kind, "edit");
  const shown = (view) => people.arranged(view).map((person) => person.uid);
  assert.deepEqual(shown({}), ["u10", "u9", "u1"]);
  assert.deepEqual(shown({ sort: "name" }), ["u1", "u9", "u10"]);
  assert.deepEqual(shown({ sort: "recent" }), ["u1", "u10", "u9"]);
  assert.deepEqual(shown({ show: "unknown" }), ["u9"]);
  assert.deepEqual(shown({ show: "offline", search: " holi" }), ["u1"]);
  assert.deepEqual(shown({ search: "IOS" }), ["u1"]);
  assert.deepEqual(shown({ search: "nobody" }), []);
  people.take(p({ uid: "u1", observed_at: 9 }));
  assert.deepEqual(shown({ search: "holiday" }), [], "what is sought through is as new as the state");
  assert.deepEqual(["u10", "u9"].sort(byName), ["u9", "u10"]);
});

test("only rows in sight are had", () => {
  const view = (top) => rowsInSight({ top, height: 600, row: 60, count: 10_000 });
  assert.deepEqual(view(-300), { first: 0, last: 5 + SPARE });
  assert.deepEqual(view(0), { first: 0, last: 10 + SPARE });
  assert.deepEqual(view(6000), { first: 100 - SPARE, last: 110 + SPARE });
  assert.deepEqual(view(599_900), { first: 9998 - SPARE, last: 10_000 });
  assert.deepEqual(view(9e9), { first: 10_000, last: 10_000 });
  assert.deepEqual(rowsInSight({ top: 0, height: 600, row: 60, count: 0 }), { first: 0, last: 0 });
});

test("keys go from row to row, and the page follows", () => {
  assert.equal(stepTo("ArrowDown", -1, 5), 0);
  assert.equal(stepTo("ArrowUp", -1, 5), 4);
  assert.equal(stepTo("ArrowDown", 4, 5), 4);
  assert.equal(stepTo("PageDown", 0, 50), 10);
  assert.equal(stepTo("Home", 7, 50), 0);
  assert.equal(stepTo("End", 7, 50), 49);
  assert.equal(stepTo("ArrowDown", 0, 0), null);
  assert.equal(stepTo("a", 0, 5), null);
  const view = { top: 600, height: 300, row: 60 };
  assert.equal(scrollBy(12, view), 0);
  assert.equal(scrollBy(9, view), -60);
  assert.equal(scrollBy(10, view, 50), -50);
  assert.equal(scrollBy(15, view), 60);
});

const client = (fields) => ({ status: "open", stale: false, asOf: 0, feed: { state: "live", reason: "" }, ...fields });

table("the state of the feed, and its word", (c) => [feedState(c), feedWord(c)], [
  [client(), ["live", "Live"]],
  [client({ feed: null }), ["live", "Live"]],
  [client({ feed: { state: "degraded" } }), ["degraded", "Behind"]],
  [client({ feed: { state: "down" } }), ["down", "Feed down"]],
  [client({ status: "stale" }), ["disconnected", "Reconnecting"]],
  [client({ status: "idle" }), ["disconnected", "Not connected"]],
  [client({ status: "connecting" }), ["disconnected", "Connecting"]],
  [client({ status: "closed" }), ["disconnected", "Disconnected"]],
]);

test("the stale bar says since when, and why", () => {
  const at = new Date(2026, 0, 2, 14, 3, 22).getTime();
  assert.match(staleText(client({ status: "stale", asOf: at }), at).since, /as of 14:03:22\./);
  assert.match(staleText(client({ status: "stale", asOf: at }), at + 86_400_000).since, /as of 2026-01-02 14:03:22\./);
  assert.equal(staleText(client({ feed: { state: "degraded", reason: "429" }, asOf: at }), at).why, "Reason: 429");
  const failed = { state: "degraded", reason: "the last call failed: 429", codes: ["call_failed"] };
  assert.deepEqual(Object.values(staleText(client({ feed: failed, asOf: at }), at)).slice(2), ["Reason: the last call failed: 429", ""]);
  speak("zh");
  assert.deepEqual(Object.values(staleText(client({ feed: failed, asOf: at }), at)).slice(2), ["原因：最近一次对服务商的调用失败。", failed.reason]);
  speak("en");
  assert.deepEqual(Object.values(staleText(client({ feed: failed, status: "stale", asOf: at }), at)).slice(2), ["", ""], "that is not why it is lost");
  assert.equal(staleText(client({ status: "closed", asOf: at }), at, 4429).why, "Too many connections or messages.");
  assert.equal(staleText(client({ status: "closed", asOf: at }), at, 4999).why, "The connection has ended (4999).");
});

table("how fresh it is", freshText, [
  [[client(), null], "Connected; changes come as they happen"],
  [[client(), 0], "Everybody verified within the last 1 s"],
  [[client(), 1200], "Everybody verified within the last 2 s"],
  [[client({ stale: true }), 1200], ""],
]);

test("changes a second, over the last full seconds", () => {
  const rate = new Rate();
  assert.equal(rate.now, 0);
  for (let second = 0; second < 20; second++) {
    for (let i = 0; i < 5; i++) rate.hit();
    rate.turn();
    assert.equal(rate.now, 5);
  }
  rate.hit();
  assert.equal(rate.now, 5, "the running second does not count yet");
  assert.equal(rate.values.length, SECONDS);
});

test("staleness is what the hub says, and grows while nobody vouches", () => {
  const age = new Age();
  age.turn({ stale: true, asOf: null }, 50_000);
  assert.equal(age.now, null, "nobody has said anything yet");
  age.heard(98_000, 2000);
  age.turn({ stale: false, asOf: 101_000 }, 101_000);
  assert.equal(age.now, 2000);
  age.heard(null, 0);
  age.turn({ stale: true, asOf: 101_000 }, 131_000);
  assert.equal(age.now, 30_000);
  age.heard(140_000, 0);
  age.turn({ stale: false, asOf: 139_500 }, 139_500);
  assert.equal(age.now, 0);
  assert.deepEqual(age.values.slice(-3), [2000, 30_000, 0]);
});

test("how old the feed is, by the hub's clock and not by the browser's", async (t) => {
  const second = 1_700_000_000_000;
  const api = new Api();
  const lag = async (asOf, date = new Date(second).toUTCString()) => {
    const feed = { state: "live", as_of: asOf, reason: "" };
    t.mock.method(globalThis, "fetch", async () => new Response(JSON.stringify({ feed }), { headers: date ? { Date: date } : {} }));
    return (await api.feed("a")).lag;
  };
  for (const off of [-60_000, 0, 60_000]) {
    t.mock.timers.enable({ apis: ["Date"], now: second + off });
    assert.equal(await lag(second - 2000), 2999, `${off} ms off; the header has no milliseconds, so it may be later`);
    assert.equal(await lag(second + 500), 499);
    assert.equal(await lag(second + 5000), 0, "never below 0");
    t.mock.timers.reset();
  }
  assert.deepEqual([await lag(second, ""), await lag(0), await lag(null)], [null, null, null], "nobody has said");
});

test("charts", () => {
  assert.deepEqual([[], [3], [5.1], [12], [51], [100]].map((values) => niceTop(values, 5)), [5, 5, 7.5, 15, 75, 100]);
  assert.equal(bars([0, 5, 10], 10, 40), "M1 40V20.0h.7V40zM2 40V0.0h.7V40z");
  assert.equal(line([null, 5, 10, null, 0], 10, 40), "M1 20.0L2 0.0M4 40.0");
});

table("themes, in turn", nextTheme, [["auto", "light"], ["light", "dark"], ["dark", "auto"], ["odd", "auto"]]);

test("what may be a token, and why one is asked for", () => {
  assert.ok(looksLikeToken("eyJh.eyJz.-_x"));
  for (const text of ["", "abc", "a.b", "a.b.c d", "a.b.c.d"]) assert.ok(!looksLikeToken(text), text);
  assert.equal(whyKey({ closeCode: null, given: false }), "token.text");
  assert.equal(whyKey({ closeCode: 4401, given: true, worked: false }), "token.refused");
  assert.equal(whyKey({ closeCode: 4401, given: true, worked: true }), "token.ended");
  assert.equal(whyKey({ closeCode: 4403, given: true, worked: false }), "token.forbidden");
});

test("times of day", () => {
  const at = new Date(2026, 0, 2, 4, 3, 2).getTime();
  assert.deepEqual([clock(at), moment(at)], ["04:03:02", "2026-01-02 04:03:02"]);
});

/** As much of a DOM list as reorder() uses; counts the moves. */
class FakeList {
  moves = 0;
  constructor(names) {
    this.children = names.map((name) => ({ name, list: this, get nextElementSibling() { return this.list.children[this.list.children.indexOf(this) + 1] ?? null; } }));
  }
  get firstElementChild() { return this.children[0] ?? null; }
  append(el) { this.insertBefore(el, null); }
  insertBefore(el, before) {
    this.moves++;
    this.children.splice(this.children.indexOf(el), 1);
    this.children.splice(before ? this.children.indexOf(before) : this.children.length, 0, el);
  }
}

test("reorder reaches any order, and moves one row once or twice", () => {
  const names = Array.from({ length: 30 }, (_, i) => i);
  for (let round = 0; round < 300; round++) {
    const list = new FakeList(names);
    const wanted = [...list.children].sort(() => Math.random() - 0.5);
    reorder(list, wanted);
    assert.deepEqual(list.children, wanted);
  }
  for (const [from, to] of [[0, 29], [29, 0], [3, 20], [20, 3], [5, 6]]) {
    const list = new FakeList(names);
    const wanted = [...list.children];
    wanted.splice(to, 0, ...wanted.splice(from, 1));
    reorder(list, wanted);
    assert.deepEqual(list.children, wanted);
    assert.ok(list.moves <= 2, `${from} to ${to}: ${list.moves} moves`);
  }
});
