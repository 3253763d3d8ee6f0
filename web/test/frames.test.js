import assert from "node:assert/strict";
import { test } from "node:test";
import { CLOSE_CODES, chunkUids, lifeOf, messages, parseFrame, parsePresence } from "../client/frames.js";
import { backoffMs } from "../client/outbox.js";
import { golden, goldenNames } from "../testing/harness.js";

const toHub = {
  auth: (m) => messages.auth(m.token, m.id),
  subscribe: (m) => messages.subscribe(m.id, m.uids, m.since),
  unsubscribe: (m) => messages.unsubscribe(m.id, m.uids),
  set: (m) => messages.set(m.id, m),
  ping: (m) => messages.ping(m.id),
};
const fromHub = ["welcome", "subscribed", "subscribed-resumed", "subscribed-denied", "subscribed-useless-cursor", "changes", "feed", "ok", "pong", "error", "bye"];

test("every golden frame belongs to one direction", () => {
  assert.deepEqual(goldenNames().sort(), [...Object.keys(toHub), ...fromHub].sort());
});

for (const [name, build] of Object.entries(toHub)) {
  test(`builds ${name} as the golden frame has it`, () => {
    const want = golden(name);
    assert.deepEqual(JSON.parse(JSON.stringify(build(want))), want);
  });
}

for (const name of fromHub) {
  test(`reads every field of ${name}`, () => {
    const want = golden(name);
    const got = JSON.parse(JSON.stringify(parseFrame(JSON.stringify(want))));
    for (const [field, value] of Object.entries(want)) {
      if (name === "welcome" && field === "feed") assert.deepEqual(got.feed, { reason: "", codes: [], ...value });
      else assert.deepEqual(got[field], value, field);
    }
  });
}

test("a subscribe without a cursor has no since at all", () => {
  assert.equal(JSON.stringify(messages.subscribe("1", ["a"], null)), '{"type":"subscribe","id":"1","uids":["a"]}');
});

test("what is not a usable frame is null", () => {
  for (const bad of ["", "x", "null", "[]", "1", '"a"', "{}", '{"type":1}', '{"type":"toString"}', '{"type":"new_thing"}', '{"type":"feed","state":"purple"}', new ArrayBuffer(2), undefined]) {
    assert.equal(parseFrame(bad), null, String(bad));
  }
});

test("a malformed presence is dropped, its neighbours stay", () => {
  const good = { uid: "A", online: true, status: { web: 1, ios: {}, android: "0" }, ext: 7, observed_at: 5 };
  const f = parseFrame(JSON.stringify({ type: "changes", cursor: 9, presences: [good, null, {}, { ...good, uid: "" }, { ...good, online: "yes" }, { ...good, observed_at: "5" }] }));
  assert.equal(f.cursor, null);
  assert.deepEqual(f.presences, [{ uid: "a", online: true, status: { web: "1", android: "0" }, ext: "", last_time: 0, observed_at: 5 }]);
  assert.equal(parsePresence({ ...good, observed_at: NaN }), null);
});

test("limits that make no sense fall back", () => {
  const f = parseFrame(JSON.stringify({ type: "welcome", heartbeat_ms: -1, limits: { max_uids: "many", max_messages_per_second: 0.5 }, feed: 3 }));
  assert.deepEqual(f.limits, { max_uids: 1000, max_message_bytes: 65536, max_messages_per_second: 1 });
  assert.equal(f.heartbeat_ms, 25_000);
  assert.equal(f.feed, null);
});

test("chunks keep both limits and lose nobody", () => {
  const uids = Array.from({ length: 2500 }, (_, i) => `ü${"x".repeat(i % 60)}${i}`);
  const limits = { max_uids: 700, max_message_bytes: 9000 };
  const chunks = chunkUids(uids, limits);
  assert.deepEqual(chunks.flat(), uids);
  for (const chunk of chunks) {
    assert.ok(chunk.length <= 700);
    assert.ok(Buffer.byteLength(JSON.stringify(messages.subscribe("123456", chunk, "c".repeat(60)))) <= 9000);
  }
  assert.deepEqual(chunkUids([], limits), []);
  assert.equal(chunkUids(uids.slice(0, 1400), { max_uids: 700, max_message_bytes: 1e9 }).length, 2);
});

test("back-off is full jitter, doubling up to 30 s", () => {
  assert.equal(backoffMs(0, () => 0), 0);
  assert.deepEqual([0, 1, 2, 3, 4, 5, 50].map((n) => backoffMs(n, () => 1)), [1000, 2000, 4000, 8000, 16000, 30000, 30000]);
});

test("the close codes that mean: come back", () => {
  const back = Object.keys(CLOSE_CODES).filter((code) => CLOSE_CODES[code].comeBack);
  assert.deepEqual(back, ["1001", "1006", "1012", "1013", "4429"]);
  assert.deepEqual(Object.keys(CLOSE_CODES), ["1001", "1006", "1008", "1009", "1012", "1013", "4400", "4401", "4403", "4429"]);
});

test("whatever arrives, a frame is whole or null", () => {
  let seed = 7;
  const random = (n) => (seed = (seed * 1103515245 + 12345) % 2147483648) % n;
  const values = [null, true, -1, 1e400, "x", "", [], {}, [null], ["a"], [{}], { state: 3 }, NaN, "9".repeat(70)];
  const types = ["welcome", "subscribed", "changes", "feed", "ok", "pong", "error", "bye", "nonsense", 7];
  const fields = ["session", "uid", "heartbeat_ms", "limits", "feed", "cursor", "presences", "pending", "denied", "complete", "state", "as_of", "codes", "id", "code", "message", "reason", "reconnect_after_ms"];
  for (let i = 0; i < 20_000; i++) {
    const frame = { type: types[random(types.length)] };
    for (let n = random(6); n > 0; n--) frame[fields[random(fields.length)]] = values[random(values.length)];
    let text = JSON.stringify(frame);
    if (random(4) === 0) text = text.slice(0, random(text.length)) + String.fromCharCode(random(256)) + text.slice(random(text.length));
    const got = parseFrame(text);
    if (got === null) continue;
    assert.equal(typeof got.type, "string");
    if (got.type === "changes" || got.type === "subscribed") assert.ok(got.presences.every((p) => p.uid && typeof p.online === "boolean"));
    if (got.type === "welcome") assert.ok(got.heartbeat_ms > 0 && got.limits.max_uids >= 1);
  }
});
