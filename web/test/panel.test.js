// What the panel says of one user: why they are shown so, and what the log holds.
import assert from "node:assert/strict";
import { test } from "node:test";
import { happenedText, historyLine, sourceText, subscriptionText, verifiedText, whyText } from "../static/explain.js";

const at = (h, m = 0, s = 0) => new Date(2026, 4, 2, h, m, s).getTime();
const now = at(15);
const p = (fields) => ({ uid: "a", online: true, status: { web: "1" }, ext: "", last_time: 0, observed_at: 10, known: true, denied: false, stale: false, ...fields });

test("why somebody is shown as they are", () => {
  const why = (fields, stale = false) => whyText(fields && p(fields), stale);
  assert.equal(why({}).state, "Online, because web says so.");
  assert.equal(why({ status: { web: "1", ios: "101", pc: "0" } }).state, "Online, because ios status 101, web say so.");
  assert.equal(why({ status: {} }).state, "Online: the vendor says so, and names no device.");
  assert.equal(why({ online: false, status: { web: "0" } }).state, "Offline, because no device of theirs is online.");
  assert.equal(why(null).state, "Unknown: nobody has looked yet. That is not offline.");
  assert.equal(why({ known: false, observed_at: 0 }).state, "Unknown: nobody has looked yet. That is not offline.");
  assert.equal(why({ known: false, denied: true }).state, "Your token does not allow to see this user.");
  assert.equal(why({ known: false, stale: true }).state, "Was online, as it was last known; nobody vouches for it now.");
  assert.equal(why({}).doubt, "");
  assert.match(why({}, true).doubt, /out of date/);
});

test("when somebody was verified, and when they changed", () => {
  assert.equal(verifiedText(p(), at(14, 59, 57), now), "All people were looked at no earlier than 14:59:57 (3 s ago).");
  assert.equal(verifiedText(p(), null, now), "Live: the hub vouches for it.");
  assert.equal(verifiedText(undefined, at(14), now), "Not yet.");
  assert.match(happenedText({ not_before: at(14), observed_at: at(14, 0, 4) }, now), /^Between 14:00:00 and 14:00:04:/);
  assert.match(happenedText({ not_before: at(14) + 71, observed_at: at(14) + 900 }, now), /^Between 14:00:00.071 and 14:00:00.900:/);
  assert.match(happenedText({ not_before: 0, observed_at: at(14, 0, 4) }, now), /^By 14:00:04;/);
  assert.equal(sourceText("poll"), "a look in turn (poll)");
  assert.equal(sourceText("gossip"), "gossip");
});

test("until when the vendor's subscription lasts", () => {
  assert.equal(subscriptionText(null, now), "None on record; polls find the changes all the same.");
  assert.equal(subscriptionText({ until: now + 7_200_000 }, now), "Until 2026-05-02 17:00:00 (2 h left).");
  assert.equal(subscriptionText({ until: now - 60_000 }, now), "Ended 1 min ago.");
});

test("what the log holds, a line each", () => {
  const off = { online: false, status: { web: "0" }, ext: "", last_time: 5 };
  const change = { uid: "a", online: true, status: { web: "1" }, ext: "", last_time: 9, observed_at: at(14), not_before: at(13, 59), changed: ["status", "last_time"], prev: off, source: "hint" };
  const line = (fields) => historyLine({ ...change, ...fields }, now);
  assert.deepEqual(line(), { kind: "up", text: "came online on web", when: "14:00:00",
    detail: "between 13:59:00 and 14:00:00, hint" });
  assert.equal(line({ changed: ["first"], prev: undefined }).text, "first seen: online");
  assert.equal(line({ ...off, changed: ["first"] }).text, "first seen: offline");
  assert.equal(line({ changed: ["unwatched"] }).kind, "unwatched");
  assert.equal(line({ ...off, ext: "busy", changed: ["ext"] }).text, "“busy”");
  assert.equal(line({ ...off, changed: ["last_time"] }).text, "logged in or out; nothing else changed");
  assert.equal(line({ not_before: 0 }).detail, "by 14:00:00, hint");
  assert.equal(line({ status: undefined, ext: undefined }).kind, "up", "fields that are missing are no reason to fail");
});
