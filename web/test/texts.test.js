// The table of texts: both languages say the same things, and nothing is said outside of it.
import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { test } from "node:test";
import { TEXTS, language, pickLanguage, say, sayClose, sayError, sayReason, speak } from "../static/texts.js";
import { CLOSE_CODES } from "../static/presence.js";

const here = (path) => readFileSync(new URL(path, import.meta.url), "utf8");
const html = here("../static/index.html");

// The client and its adapters are not the page: what they say is for developers.
const CLIENT = ["presence.js", "sse.js", "shared.js", "worker.js", "store.js", "react.js", "vue.js", "svelte.js"];
const modules = readdirSync(new URL("../static", import.meta.url)).filter((name) => name.endsWith(".js") && !CLIENT.includes(name));
const placeholders = (text) => [...text.matchAll(/\{\w+\}/g)].map(String).sort();

test("both languages have the same keys, with the same places to fill", () => {
  assert.deepEqual(Object.keys(TEXTS.zh), Object.keys(TEXTS.en));
  for (const [key, text] of Object.entries(TEXTS.en)) {
    assert.deepEqual(placeholders(TEXTS.zh[key]), placeholders(text), key);
    assert.ok(text !== "" && TEXTS.zh[key] !== "", key);
  }
});

test("each language is that language", () => {
  const alike = /^(language\.other|list\.comma|reason\.and|quoted|token\.example|setup\.example|span|device\.one|active\.at|change\.device|source\.other)$/;
  for (const key of Object.keys(TEXTS.en).filter((key) => !alike.test(key))) {
    assert.ok(/\p{Script=Han}/u.test(TEXTS.zh[key]), `${key} is not Chinese: ${TEXTS.zh[key]}`);
    assert.ok(!/\p{Script=Han}/u.test(TEXTS.en[key]), `${key} is not English: ${TEXTS.en[key]}`);
  }
});

test("whatever the page says is in the table, and whatever is in the table is said", () => {
  const named = [...html.matchAll(/data-say(?:-\w+)?="([^"]+)"/g)].map((m) => m[1]);
  const all = modules.map((name) => here(`../static/${name}`).split("export const TEXTS").at(-1)).join("\n");
  const code = all.replace(/EventListener\("\w+"/g, ""); // an event's name says nothing
  for (const key of named) assert.ok(Object.hasOwn(TEXTS.en, key), `index.html names ${key}`);
  const composed = /^(feed|stale|reason|count|state|device|unit|source|theme|error|close|frame|wire|chart|token|why|state\.was|change\.first)\.|^panel\.(state|verified|happened|source|active|subscription)$/;
  for (const key of Object.keys(TEXTS.en)) {
    const said = named.includes(key) || code.includes(`"${key}"`) || composed.test(key);
    assert.ok(said, `nobody says ${key}`);
  }
});

test("no text stands in the page itself", () => {
  const bare = html.replace(/<noscript>.*?<\/noscript>/s, "").replace(/<title>.*?<\/title>/, "");
  assert.doesNotMatch(bare.replace(/<[^>]*>/g, " ").replace(/[\d.–/\s]+/g, ""), /\S/);
  const worded = [...bare.matchAll(/\s(?:aria-label|title|alt|placeholder|content)="([^"]*[a-z\p{Script=Han}][^"]*)"/gu)].map((m) => m[1]);
  assert.deepEqual(worded, ["width=device-width, initial-scale=1", "light dark", "user-0001"]);
});

test("no text stands in the page's modules", () => {
  const strings = /"((?:[^"\\\n]|\\.)*)"|`((?:[^`\\]|\\.)*)`/g;
  const sentence = /\p{Script=Han}|[A-Z][a-z]+ [a-z]|[a-z]{2,} [a-z]{2,} [a-z]{2,}/u;
  for (const name of modules.filter((name) => name !== "texts.js")) {
    const code = here(`../static/${name}`).replace(/^\s*\/\*\*[\s\S]*?\*\//gm, "").replace(/^\s*\/\/.*$|\s\/\/ .*$/gm, "");
    for (const [, a, b] of code.matchAll(strings)) assert.doesNotMatch((a ?? b).replace(/\$\{[^}]*\}/g, ""), sentence, name);
  }
});

test("a language is picked by what the reader wants", () => {
  assert.equal(pickLanguage(["zh-CN", "en"]), "zh");
  assert.equal(pickLanguage(["zh-Hant-TW"]), "zh");
  assert.equal(pickLanguage(["fr", "EN-gb", "zh"]), "en");
  assert.equal(pickLanguage(["fr", "zh"]), "zh");
  assert.equal(pickLanguage(["", "constructor", "fr"]), "en");
  assert.equal(pickLanguage([]), "en");
});

test("texts are filled in, and a key that is missing is noticed", () => {
  assert.equal(say("people.shown", { n: 3 }), "3 shown");
  assert.equal(say("device.one", { device: "{word}", word: "online" }), "{word} online");
  assert.throws(() => say("no.such.key"), RangeError);
  speak("zh");
  assert.equal(language(), "zh");
  assert.equal(say("people.shown", { n: 3 }), "显示 3 人");
  speak("en");
});

test("every code that the hub refuses a browser with has its sentence", () => {
  const codes = [...here("../../hub/codes.go").matchAll(/\{"(\w+)", [\w.]+, \w+, ofAll,/g)].map((m) => m[1]);
  assert.ok(codes.length > 20, "the table is no longer read");
  for (const code of codes) assert.ok(Object.hasOwn(TEXTS.en, `error.${code}`), code);
  for (const code of ["not_connected", "disconnected", "timeout", "connect"]) assert.ok(Object.hasOwn(TEXTS.en, `error.${code}`), code);
  assert.equal(sayError("over_a_limit"), TEXTS.en["error.over_a_limit"]);
  assert.equal(sayError("brand_new"), "The hub says: brand_new.");
});

test("every reason of a feed has its sentence in each language, and a new one is told in its own words", () => {
  const codes = JSON.parse(here("../../hub/contract/schemas.json")).FeedCode.anyOf[0].enum; // as in the code: TestEnumsAreTheConstants
  assert.deepEqual(Object.keys(TEXTS.en).filter((key) => /^reason\.(?!and$)/.test(key)).sort(), codes.map((code) => `reason.${code}`).sort());
  const feed = { reason: "the last call failed: 429; no such thing", codes: ["call_failed", "old_looks"] };
  speak("zh");
  const own = { said: feed.reason, words: "" };
  assert.deepEqual(sayReason(feed), { said: `${TEXTS.zh["reason.call_failed"]}；${TEXTS.zh["reason.old_looks"]}`, words: feed.reason });
  for (const codes of [["call_failed", "brand_new"], ["toString"], [], undefined]) assert.deepEqual(sayReason({ ...feed, codes }), own);
  speak("en");
  assert.deepEqual(sayReason(feed), own, "in English its words say more than the codes");
  assert.deepEqual(sayReason({ codes: ["call_failed"] }), { said: TEXTS.en["reason.call_failed"], words: "" });
  assert.deepEqual(sayReason({}), { said: "", words: "" });
});

test("every close code that one does not come back from has its sentence", () => {
  for (const [code, { comeBack }] of Object.entries(CLOSE_CODES)) {
    if (!comeBack) assert.ok(Object.hasOwn(TEXTS.en, `close.${code}`), code);
  }
  assert.equal(sayClose(4401), TEXTS.en["close.4401"]);
});
