import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import * as client from "../static/presence.js";
import { BUILT, mark } from "../build.js";

const read = (name) => readFileSync(new URL(`../${name}`, import.meta.url), "utf8");

for (const name of Object.keys(BUILT)) {
  test(`static/${name} was built of what client/ holds`, () => {
    assert.ok(read(`static/${name}`).split("\n")[0].includes(mark()), "run `npm ci && npm run build` in web/");
  });
}

test("the core is at most 6 KB compressed, and the rest is small", (t) => {
  const size = (name) => gzipSync(read(`static/${name}`), { level: 9 }).length;
  t.diagnostic(Object.keys(BUILT).map((name) => `${name} ${size(name)} bytes`).join(", "));
  assert.ok(size("presence.js") <= 6 * 1024, `${size("presence.js")} bytes`);
  for (const name of ["sse.js", "shared.js", "worker.js"]) assert.ok(size(name) <= 3 * 1024, `${name}: ${size(name)} bytes`);
});

test("exports what its types say, and no more", () => {
  const typed = [...read("static/presence.d.ts").matchAll(/^export (?:class|function|const) (\w+)/gm)].map((m) => m[1]);
  assert.deepEqual(Object.keys(client).sort(), typed.sort());
});

test("the package names files that exist, types first", () => {
  const { exports, files, sideEffects, main, types } = JSON.parse(read("package.json"));
  for (const path of [main, types, ...sideEffects, ...files.filter((f) => f !== "client")]) read(path);
  for (const [name, entry] of Object.entries(exports)) {
    if (typeof entry === "string") continue;
    assert.deepEqual(Object.keys(entry), ["types", "default"], name);
    for (const path of Object.values(entry)) assert.ok(files.includes(path.slice(2)), path);
  }
});
