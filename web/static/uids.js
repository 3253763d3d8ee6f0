// Lists of people as one writes them in an address: "alice, bob, user-0001..user-0200". Pure.
import { count, say } from "./texts.js";

/** More than any hub serves on one connection; a range must not be able to freeze the page. */
export const MAX_UIDS = 20_000;

/**
 * Names, in order and once each. A range counts up a number at the end of a name and keeps its
 * width: user-0001..user-0200, or user-0001..0200 for short. What is no range is a name.
 * @param {string} text names and ranges between commas or white space
 * @returns {string[]}
 */
export function parseUids(text) {
  const uids = new Set();
  for (const part of String(text ?? "").split(/[\s,;]+/)) {
    for (const uid of expand(part.toLowerCase())) {
      if (uids.size >= MAX_UIDS) return [...uids];
      uids.add(uid);
    }
  }
  return [...uids];
}

/** What to say where more people are asked for than the hub serves on one connection; "" where not. */
export function tooManyText(asked, max) {
  if (asked <= max) return "";
  return say(asked >= MAX_UIDS ? "notice.too.many.more" : "notice.too.many", { asked: count(asked), max: count(max) });
}

// Fifteen digits are counted and no more: from 2^53 on a number plus one is itself, and there is no end.
function* expand(part) {
  const range = /^(.*?)(\d{1,15})\.\.(.*?)(\d{1,15})$/.exec(part);
  const [, prefix, from, again, to] = range ?? [];
  const backwards = range && Number(to) < Number(from);
  if (!range || (again !== "" && again !== prefix) || backwards) {
    if (part !== "") yield part;
    return;
  }
  const last = Math.min(Number(to), Number(from) + MAX_UIDS);
  for (let n = Number(from); n <= last; n++) yield prefix + String(n).padStart(from.length, "0");
}
