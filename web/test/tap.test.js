// The wire as it is shown: bounded, pausable, and without tokens.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Tap, redact, tapped } from "../static/tap.js";

const JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhbGljZSJ9.c2lnbmF0dXJl";

test("no token is kept", () => {
  assert.equal(redact(`{"type":"auth","token":"${JWT}"}`, "•••"), '{"type":"auth","token":"•••"}');
  assert.equal(redact('{"type":"auth","token": "opaque"}', "•••"), '{"type":"auth","token": "•••"}');
  assert.equal(redact(`{"message":"what is ${JWT}?"}`, "•••"), '{"message":"what is •••?"}');
  const long = redact(`{"type":"auth","token":"${"x".repeat(9000)}"}`, "•••");
  assert.ok(!long.includes("xx"), "one that was cut is none the less hidden");
});

test("only the last frames are kept, and of each the beginning", () => {
  const tap = new Tap();
  tap.hear("in", '{"type":"welcome"}');
  for (let i = 0; i < 1000; i++) tap.hear("in", `{"type":"changes","n":${i}}`);
  assert.equal(tap.frames.length, 100);
  assert.match(tap.frames.at(-1).text, /999/);
  assert.equal(tap.frames[0].type, "welcome", "rare ones stay");
  tap.hear("in", `{"type":"subscribed","x":"${"y".repeat(1e6)}"}`);
  const { type, size, text } = tap.frames.at(-1);
  assert.deepEqual([type, size > 1e6, text.length], ["subscribed", true, 4000]);
});

test("sizes are in bytes, and only what was cut is called so", () => {
  const tap = new Tap();
  tap.hear("in", `{"type":"changes","ext":"${"忙".repeat(1000)}"}`);
  tap.hear("out", `{"type":"auth","token":"${"x".repeat(3000)}"}`);
  tap.hear("in", `{"type":"changes","ext":"${"y".repeat(4000)}"}`);
  assert.deepEqual(tap.frames.map(({ size, cut }) => [size, cut]), [[3027, false], [3026, false], [4027, true]]);
});

test("nobody can make it keep more", () => {
  const tap = new Tap();
  for (let i = 0; i < 500; i++) tap.hear("in", `{"type":"odd${i}"}`);
  assert.equal(tap.frames.length, 100);
});

test("while paused nothing is kept, but counted", () => {
  const tap = new Tap();
  let heard = 0;
  tap.onFrame = () => heard++;
  tap.hear("in", '{"type":"pong"}');
  tap.pause(true);
  tap.hear("in", '{"type":"changes"}');
  assert.deepEqual([tap.frames.length, tap.missed, heard], [1, 1, 2]);
  tap.pause(false);
  tap.hear("in", '{"type":"feed"}');
  assert.deepEqual([tap.frames.map(({ type }) => type), tap.missed], [["pong", "feed"], 0]);
  tap.clear();
  assert.deepEqual(tap.frames, []);
});

test("a WebSocket is heard both ways", () => {
  class Socket extends EventTarget {
    sent = [];
    send(data) { this.sent.push(data); }
  }
  const tap = new Tap();
  const socket = new (tapped(Socket, tap))();
  socket.dispatchEvent(new Event("open"));
  socket.send(`{"type":"auth","token":"${JWT}"}`);
  socket.dispatchEvent(Object.assign(new Event("message"), { data: '{"type":"welcome"}' }));
  socket.dispatchEvent(Object.assign(new Event("close"), { code: 4401 }));
  assert.deepEqual(tap.frames.map(({ way, type }) => `${way} ${type}`), ["here open", "out auth", "in welcome", "here close"]);
  assert.match(socket.sent[0], /eyJ/, "the hub gets all of it");
  assert.doesNotMatch(JSON.stringify(tap.frames), /eyJ/);
});

test("and so is what stands in for one", () => {
  class Stand {
    onmessage = null;
    onclose = null;
    send(data) { this.onmessage?.({ data: `{"type":"ok","of":${data}}` }); }
    close() { this.onclose?.({ code: 1001 }); }
  }
  const tap = new Tap();
  const stand = new (tapped(Stand, tap))();
  stand.send("1"); // before anybody listens
  const got = [];
  stand.onmessage = ({ data }) => got.push(data);
  stand.send("2");
  stand.close();
  assert.deepEqual(got, ['{"type":"ok","of":2}']);
  assert.deepEqual(tap.frames.map(({ way }) => way), ["out", "out", "in"], "nobody is there to hear of a close");
  stand.onclose = () => {};
  stand.close();
  assert.equal(tap.frames.at(-1).type, "close");
});
