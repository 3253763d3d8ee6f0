// What tests against a real hub need of the world around it. VENDOR is the emulator's address, SECRET signs tokens.
import assert from "node:assert/strict";
import { createHmac } from "node:crypto";

const { VENDOR, SECRET } = process.env;
const encode = (v) => Buffer.from(typeof v === "string" ? v : JSON.stringify(v)).toString("base64url");

/** A token as the hub wants it, good for so many seconds. */
export function token(claims, seconds = 3600) {
  const iat = Math.floor(Date.now() / 1000);
  const body = `${encode({ alg: "HS256", typ: "JWT" })}.${encode({ watch: "*", iat, exp: iat + seconds, ...claims })}`;
  return `${body}.${createHmac("sha256", SECRET).update(body).digest("base64url")}`;
}

/** Makes a user so at the vendor. */
export async function make(uid, status, ext = "") {
  const answer = await fetch(`${VENDOR}/_emulator/users/${uid}`, { method: "PUT", body: JSON.stringify({ status, ext }) });
  assert.ok(answer.ok, await answer.text());
}

export async function until(what, ok, ms = 60_000) {
  for (const end = Date.now() + ms; !ok(); await new Promise((r) => setTimeout(r, 10))) assert.ok(Date.now() < end, `waited in vain until ${what}`);
}
