import assert from "node:assert/strict";
import { test } from "node:test";
import { reorder } from "../static/board.js";
import { ORDERS, ago, byName, clock, describeChange, deviceIcon, deviceLabel, deviceWord, foldDevices, hue, initials, moment, stateOf, stateWord, whenText } from "../static/format.js";
import { feedState, feedWord, staleText } from "../static/header.js";
import { Rate } from "../static/log.js";
import { MAX_UIDS, parseUids, tooManyText } from "../static/uids.js";

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
]);

test("a huge range ends somewhere", () => {
  assert.equal(parseUids("u1..u99999999999").length, MAX_UIDS);
  assert.deepEqual(parseUids(null), []);
});

table("more people than the hub serves on one connection", tooManyText, [
  [[1000, 1000], ""],
  [[1001, 1000], "You asked for 1,001 people, and this hub shows at most 1,000 at once: these are the first 1,000."],
  [[MAX_UIDS, 20], "You asked for 5,000 or more people, and this hub shows at most 20 at once: these are the first 20."],
]);

table("how long ago", ago, [
  [[1000, 500], "just now"],
  [[0, 1499], "just now"],
  [[0, 12_300], "12 s ago"],
  [[0, 119_999], "1 min ago"],
  [[0, 7_200_000], "2 h ago"],
  [[0, 3 * 86_400_000], "3 d ago"],
]);

table("initials", initials, [
  ["user-0042", "42"],
  ["user-0000", "0"],
  ["user-1000", "000"],
  ["alice", "AL"],
  ["john.smith", "JS"],
  ["_", "_"],
  ["ü", "Ü"],
]);

table("pictures of devices", deviceIcon, [
  ["android", "phone"],
  ["ios_2", "phone"],
  ["web_1", "web"],
  ["webim_x", "web"],
  ["desktop", "desktop"],
  ["fridge", "other"],
]);

table("short names of devices", deviceLabel, [
  ["android", "android"],
  ["web_1", "web_1"],
  ["win_8ea5dc05-37dd-4421-8ed3-eb0bc8e49152", "win · 8ea5"],
  ["android_8cb7c80b-7bfb-417f-8373-f1a97828d090", "android · 8cb7"],
  ["webim_chrome_1700849740829", "chrome · 0829"],
  ["webim_random_safari_1703989898213", "safari · 8213"],
  ["webim_1703989898213", "web · 8213"],
  ["webim_random_firefox", "firefox"],
  ["android_pixel-7-of-anna", "android · pixel"],
  ["android_Überraschung", "android · Überrasc"],
  ["8ea5dc05-37dd-4421-8ed3-eb0bc8e49152", "8ea5dc05-37…"],
  ["____________________", "___________…"],
  ["📱📱📱📱📱📱📱📱📱📱📱📱📱", "📱📱📱📱📱📱📱📱📱📱📱…"],
  ["", ""],
]);

const devices = (on, off) => Object.fromEntries(Array.from({ length: on + off }, (_, i) => [`d${i}`, i < on ? "101" : "0"]));

table("devices shown and folded", (on, off) => Object.values(foldDevices(devices(on, off))).map((d) => d.join(" ")), [
  [[0, 0], ["", ""]],
  [[0, 3], ["d0 d1 d2", ""]],
  [[0, 4], ["d0 d1", "d2 d3"]],
  [[1, 3], ["d0 d1", "d2 d3"]],
  [[2, 2], ["d0 d1", "d2 d3"]],
  [[3, 1], ["d0 d1 d2 d3", ""]],
  [[5, 2], ["d0 d1 d2 d3 d4", "d5 d6"]],
]);

test("online devices come first", () => assert.deepEqual(foldDevices({ a: "0", c: "1", b: "1" }).shown, ["b", "c", "a"]));

test("the foot of a card: a live one says what changed, a stale one what was observed", () => {
  const at = new Date(2026, 0, 2, 14, 3, 22).getTime();
  const now = at + 120_000;
  const said = (fields, how) => {
    const { left, right } = whenText({ observed_at: at, last_time: 0, ...fields }, now, how);
    return [left, right];
  };
  assert.deepEqual(said({ last_time: at - 1000 }), ["changed 2 min ago", ""]);
  assert.deepEqual(said({ last_time: at - 3_600_000 }), ["since 13:03", ""], "a first look is no change");
  assert.deepEqual(said({ last_time: at - 3_600_000 }, { changed: true }), ["changed 2 min ago", "active 1 h ago"]);
  assert.deepEqual(said({ observed_at: at - 86_400_000 }), ["since Jan 1, 14:03", ""]);
  assert.deepEqual(said({ last_time: at - 3 * 86_400_000 }), ["since Dec 30, 2025", ""]);
  assert.deepEqual(said({}), ["since 14:03", ""]);
  for (const [fields, how] of [[{}, { stale: true, changed: true }], [{ stale: true }, { changed: true }]]) {
    assert.deepEqual(said({ last_time: at, ...fields }, how), ["observed 2 min ago", "active 2 min ago"]);
  }
  assert.equal(moment(at), "2026-01-02 14:03:22");
  assert.equal(whenText({ observed_at: at, last_time: at - 1000 }, now).title, "observed 2026-01-02 14:03:22, last login or logout 2026-01-02 14:03:21");
  assert.equal(whenText(null, now).left, "waiting for the first look");
  assert.equal(whenText({ denied: true, observed_at: 0 }, now).left, "your token does not allow it");
});

table("words of devices", deviceWord, [["0", "offline"], ["1", "online"], ["101", "status 101"]]);

test("colours stay, and neighbours differ", () => {
  assert.equal(hue("user-0001"), hue("user-0001"));
  const hues = new Set(Array.from({ length: 100 }, (_, i) => Math.floor(hue(`user-${i}`) / 30)));
  assert.equal(hues.size, 12);
});

test("clock", () => assert.match(clock(Date.now()), /^\d\d:\d\d:\d\d$/));

const p = (fields) => ({ uid: "a", known: true, denied: false, stale: false, online: true, status: { web: "1" }, ext: "", ...fields });

table("states and their words: pending is never offline", (x) => [stateOf(x), stateWord(x)], [
  [null, ["unknown", "Unknown"]],
  [p(), ["online", "Online"]],
  [p({ online: false }), ["offline", "Offline"]],
  [p({ status: {} }), ["online", "Online"]],
  [p({ known: false, online: null }), ["unknown", "Unknown"]],
  [p({ known: false, stale: true, online: true }), ["unknown", "Was online"]],
  [p({ known: false, stale: true, online: false }), ["unknown", "Was offline"]],
  [p({ known: false, denied: true, online: null }), ["unknown", "Not allowed"]],
]);

table("changes in words", (a, b) => describeChange(a, b), [
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

test("orders", () => {
  const cards = ["u10", "u9", "u1"].sort(byName).map((uid, rank) => ({ uid, rank, state: { u1: "offline", u9: "unknown", u10: "online" }[uid], changedAt: { u1: 5, u9: 7, u10: 5 }[uid] }));
  const sorted = (order) => [...cards].reverse().sort(ORDERS[order]).map((c) => c.uid);
  assert.deepEqual(sorted("name"), ["u1", "u9", "u10"]);
  assert.deepEqual(sorted("online"), ["u10", "u9", "u1"]);
  assert.deepEqual(sorted("recent"), ["u9", "u1", "u10"]);
});

const client = (fields) => ({ status: "open", stale: false, asOf: 0, feed: { state: "live", reason: "" }, ...fields });

table("the state of the feed, and its word", (c) => [feedState(c), feedWord(c)], [
  [client(), ["live", "Live"]],
  [client({ feed: null }), ["live", "Live"]],
  [client({ feed: { state: "degraded" } }), ["degraded", "Degraded"]],
  [client({ feed: { state: "down" } }), ["down", "Down"]],
  [client({ status: "stale" }), ["disconnected", "Reconnecting"]],
  [client({ status: "idle" }), ["disconnected", "Not connected"]],
  [client({ status: "connecting" }), ["disconnected", "Connecting"]],
  [client({ status: "closed" }), ["disconnected", "Disconnected"]],
]);

test("the stale bar says since when, and why", () => {
  const at = new Date(2026, 0, 2, 14, 3, 22).getTime();
  assert.match(staleText(client({ status: "stale", asOf: at })).since, /as of 14:03:22;/);
  assert.match(staleText(client({ feed: { state: "degraded", reason: "429" }, asOf: at })).since, /as of 14:03:22 \(429\);/);
});

test("changes a second, over the last full seconds", () => {
  const rate = new Rate();
  assert.equal(rate.perSecond, 0);
  for (let second = 0; second < 20; second++) {
    for (let i = 0; i < 5; i++) rate.hit();
    rate.turn();
    assert.equal(rate.perSecond, 5);
  }
  rate.hit();
  assert.equal(rate.perSecond, 5, "the running second does not count yet");
  assert.equal(rate.points.split(" ").length, 60);
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

test("reorder reaches any order, and moves one card once or twice", () => {
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
