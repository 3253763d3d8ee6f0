// The client against a real hub, over real sockets. HUB is the hub's address. Run by the road's TestClient; not named
// as a test, for it needs all that.
import assert from "node:assert/strict";
import { createServer, request } from "node:http";
import { connect as dial } from "node:net";
import { after, test } from "node:test";
import { connect } from "../static/presence.js";
import { make, token, until } from "./support.js";

const { HUB } = process.env;
const open = [];
after(() => open.forEach((client) => client.close()));

/** A client, and all that it said. */
function start(options) {
  const client = connect({ url: `${HUB}/v1/ws`, token: () => token({ sub: "user-0001", set: true }), ...options });
  open.push(client);
  const errors = [];
  client.addEventListener("error", ({ detail }) => errors.push(detail));
  return { client, errors };
}

/** A way to the hub that can be blocked for WebSockets, or cut. */
async function detour() {
  const hub = new URL(HUB);
  const way = { blocked: true, refused: 0, sockets: new Set(), cut: () => way.sockets.forEach((s) => s.destroy()) };
  const server = createServer((req, res) => {
    const onward = request({ host: hub.hostname, port: hub.port, path: req.url, method: req.method, headers: req.headers }, (answer) => {
      res.writeHead(answer.statusCode, answer.headers);
      answer.pipe(res);
    });
    onward.on("error", () => res.destroy());
    res.on("close", () => onward.destroy());
    req.pipe(onward);
  });
  server.on("upgrade", (req, socket) => {
    if (way.blocked) return way.refused++, socket.end("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n");
    const onward = dial(hub.port, hub.hostname, () => {
      onward.write(`GET ${req.url} HTTP/1.1\r\n${Object.entries(req.headers).map(([k, v]) => `${k}: ${v}\r\n`).join("")}\r\n`);
      socket.pipe(onward).pipe(socket);
    });
    for (const end of [socket, onward]) end.on("error", () => {}).on("close", () => (socket.destroy(), onward.destroy()));
  });
  server.on("connection", (socket) => {
    way.sockets.add(socket);
    socket.on("close", () => way.sockets.delete(socket));
  });
  await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
  way.url = `http://127.0.0.1:${server.address().port}/v1/ws`;
  after(() => (way.cut(), server.close()));
  return way;
}

test("watches, and is told what the vendor says", async () => {
  const { client } = start();
  await make("user-0011", { web: "1" }, "hello");
  client.watch(["user-0011", "user-0012"]);
  await until("both are known", () => ["user-0011", "user-0012"].every((uid) => client.get(uid)?.known));
  await make("user-0011", { web: "0" }, "bye");
  await until("the change is seen", () => client.get("user-0011").ext === "bye");
  await until("the feed is live", () => !client.get("user-0011").stale);
  assert.deepEqual([client.get("user-0011").state, client.uid], ["offline", "user-0001"]);
});

test("sets one's own presence, and is refused in words", async () => {
  const { client } = start();
  client.watch(["user-0001"]);
  await until("it is open", () => client.status === "open");
  await client.set({ resource: "web_1", status: 1, ext: "set by the client" });
  await until("it is seen", () => client.get("user-0001")?.ext === "set by the client");
  const other = start({ token: token({ sub: "user-0002" }) });
  await until("it is open", () => other.client.status === "open");
  await assert.rejects(other.client.set({ resource: "web_1", status: 1 }), { code: "not_allowed" });
});

test("tells denied and unknown from offline", async () => {
  const { client } = start({ token: token({ sub: "user-0003", watch: ["user-0013"] }) });
  client.watch(["user-0013", "user-0014"]);
  await until("both are told", () => client.get("user-0013")?.known && client.get("user-0014"));
  assert.deepEqual([client.get("user-0014").denied, client.get("user-0014").state], [true, "unknown"]);
});

test("a bad token is the end, and said", async () => {
  const { client, errors } = start({ token: "nonsense" });
  await until("it is closed", () => client.status === "closed");
  assert.deepEqual([errors.at(-1).closeCode, errors.at(-1).fatal], [4401, true]);
});

test("a token is renewed on the open socket before it ends", async () => {
  let asked = 0;
  const { client, errors } = start({ token: () => (asked++, token({ sub: "user-0004" }, asked === 1 ? 8 : 3600)) });
  client.watch(["user-0015"]);
  await until("it is open", () => client.status === "open");
  const { session } = client;
  await new Promise((r) => setTimeout(r, 9000)); // the life of the first token, which nothing else can be waited for
  assert.deepEqual([asked, client.status, client.session, errors], [2, "open", session, []]);
  await make("user-0015", { web: "1" }, "with the second token");
  await until("changes still come", () => client.get("user-0015")?.ext === "with the second token");
});

test("a connection that is cut resumes where it was, and states are stale meanwhile", async () => {
  const way = await detour();
  way.blocked = false;
  const { client } = start({ url: way.url });
  const seen = [];
  client.watch(["user-0016"], (p) => seen.push(p));
  await until("it is known", () => client.get("user-0016")?.known);
  seen.length = 0;
  const { session } = client;
  const { since } = client.wanted;
  assert.ok(since);
  way.cut();
  await until("it is stale", () => client.get("user-0016").stale);
  await make("user-0016", { ios: "1" }, "meanwhile");
  await until("it is back", () => client.session !== session && client.get("user-0016").ext === "meanwhile" && !client.stale);
  assert.ok(seen.every((p) => p.known && p.state !== "unknown"), "nobody becomes unknown by it");
});

/** The waits for a WebSocket to be tried again are half a minute, a minute and so on; here they are a moment. */
const impatient = { setTimeout: (f, ms) => setTimeout(f, ms > 0 && ms % 30_000 === 0 ? 200 : ms) };

test("where WebSockets are blocked it takes event streams, and does all the same", async () => {
  const way = await detour();
  const { client, errors } = start({ url: way.url });
  client.watch(["user-0017"]);
  await until("it is known", () => client.get("user-0017")?.known && !client.stale);
  assert.ok(way.refused >= 2);
  await make("user-0017", { web: "1" }, "by stream");
  await until("a change comes", () => client.get("user-0017").ext === "by stream");

  const off = client.watch(["user-0018", "user-0019"]);
  await until("more are known", () => ["user-0018", "user-0019"].every((uid) => client.get(uid)?.known));
  assert.equal(client.stale, false);
  await make("user-0018", { web: "1" }, "by another stream");
  await until("a change comes", () => client.get("user-0018").ext === "by another stream");
  off();
  await make("user-0017", { web: "0" }, "still here");
  await until("who is still watched is told", () => client.get("user-0017").ext === "still here");

  await client.set({ resource: "web_2", status: 1, ext: "by PUT" });
  await assert.rejects(client.set({ resource: "", status: 1 }));
  await client.renew();
  const before = client.session;
  way.cut();
  await until("it is lost", () => client.stale);
  await until("it is back", () => !client.stale && client.session !== before);
  await make("user-0017", { web: "1" }, "after the cut");
  await until("a change comes", () => client.get("user-0017").ext === "after the cut");
  assert.deepEqual(errors, []);
});

test("and goes back to a WebSocket when they get through", async () => {
  const way = await detour();
  const { client } = start({ url: way.url, ...impatient });
  client.watch(["user-0020"]);
  await until("it is known", () => client.get("user-0020")?.known);
  const { session } = client;
  way.blocked = false;
  await until("it is back on a WebSocket", () => client.session !== session && !client.stale);
  way.blocked = true; // those that are open stay so
  await make("user-0020", { web: "1" }, "by socket");
  await until("a change comes", () => client.get("user-0020").ext === "by socket");
});

test("without any WebSocket, as in Node 20, it is event streams from the start", async () => {
  const given = globalThis.WebSocket;
  delete globalThis.WebSocket;
  try {
    const { client } = start();
    client.watch(["user-0021", "user-0022"]);
    await until("both are known", () => ["user-0021", "user-0022"].every((uid) => client.get(uid)?.known));
  } finally {
    globalThis.WebSocket = given;
  }
});

test("a bad token is the end on streams, too; nobody to watch is no reason to fail", async () => {
  const way = await detour();
  const bad = start({ url: way.url, token: "nonsense" });
  bad.client.watch(["user-0023"]);
  const idle = start({ url: way.url });
  await until("both have their end", () => bad.client.status === "closed" && idle.client.status === "open");
  assert.equal(bad.errors.at(-1).closeCode, 4401);
  idle.client.watch(["user-0023"]);
  await until("it is known", () => idle.client.get("user-0023")?.known);
});
