// How the page puts things into words. Pure.

const UNITS = [
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["min", 60_000],
  ["s", 1000],
];

/** "12 s ago"; clocks that disagree by a little never make it the future. */
export function ago(then, now) {
  const passed = now - then;
  if (passed < 1500) return "just now";
  const [unit, ms] = UNITS.find(([, ms]) => passed >= ms);
  return `${Math.floor(passed / ms)} ${unit} ago`;
}

const two = (n) => String(n).padStart(2, "0");

/** "14:03:22" in the reader's time zone. */
export function clock(ms) {
  const d = new Date(ms);
  return [d.getHours(), d.getMinutes(), d.getSeconds()].map(two).join(":");
}

/** Two or three characters that tell people apart: the number at the end where there is one. */
export function initials(uid) {
  const number = /(\d+)\D*$/.exec(uid);
  if (number) return number[1].replace(/^0+(?=\d)/, "").slice(-3);
  const words = uid.split(/[^\p{L}]+/u).filter(Boolean);
  const letters = words.length > 1 ? words[0][0] + words.at(-1)[0] : [...(words[0] ?? uid)].slice(0, 2).join("");
  return letters.toUpperCase();
}

/** A colour angle that stays with a person. */
export function hue(uid) {
  let h = 2166136261;
  for (const c of uid) h = Math.imul(h ^ c.codePointAt(0), 16777619);
  h = Math.imul(h ^ (h >>> 15), 2246822519); // neighbours like user-1 and user-2 differ only below
  return ((h ^ (h >>> 13)) >>> 0) % 360;
}

/** Which picture stands for a device: the vendor's resources are android, ios, web, desktop with suffixes. */
export function deviceIcon(device) {
  if (/^(android|ios|iphone|ipad|mobile)/i.test(device)) return "phone";
  if (/^web/i.test(device)) return "web";
  if (/^(desktop|mac|win|linux|pc)/i.test(device)) return "desktop";
  return "other";
}

export function deviceWord(status) {
  if (status === "0") return "offline";
  return status === "1" ? "online" : `status ${status}`;
}

/** What a card is in: pending is unknown even where a state from before is held. */
export function stateOf(presence) {
  if (!presence?.known) return "unknown";
  return presence.online ? "online" : "offline";
}

const WORDS = { online: "Online", offline: "Offline", unknown: "Unknown" };

export function stateWord(presence) {
  if (presence?.denied) return "Not allowed";
  if (presence?.stale) return presence.online ? "Was online" : "Was offline";
  return WORDS[stateOf(presence)];
}

/**
 * What happened between two states, for the log; null where nothing that people care about did.
 * @returns {{kind: "up"|"away"|"edit", text: string}|null}
 */
export function describeChange(before, after) {
  if (!before?.known || !after.known) return null;
  const devices = new Set([...Object.keys(before.status), ...Object.keys(after.status)]);
  const moved = [...devices].filter((d) => (before.status[d] ?? "0") !== (after.status[d] ?? "0"));
  if (after.online !== before.online) {
    if (!after.online) return { kind: "away", text: "went offline" };
    const on = moved.filter((d) => (after.status[d] ?? "0") !== "0");
    return { kind: "up", text: on.length > 0 ? `came online on ${on.join(", ")}` : "came online" };
  }
  const parts = moved.map((d) => `${d} ${deviceWord(after.status[d] ?? "0")}`);
  if (after.ext !== before.ext) parts.push(after.ext === "" ? "cleared the text" : `“${after.ext}”`);
  return parts.length > 0 ? { kind: "edit", text: parts.join(", ") } : null;
}

/** Names as people sort them: user-9 before user-10. */
export const byName = new Intl.Collator("en", { numeric: true }).compare;

/** How the page sorts; `rank` is the place by name, worked out once as names never change. */
const RANK = { online: 0, unknown: 1, offline: 2 };
export const ORDERS = {
  name: (a, b) => a.rank - b.rank,
  online: (a, b) => RANK[a.state] - RANK[b.state] || a.rank - b.rank,
  recent: (a, b) => b.changedAt - a.changedAt || a.rank - b.rank,
};
