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

const date = (ms) => {
  const d = new Date(ms);
  return [d.getFullYear(), two(d.getMonth() + 1), two(d.getDate())].join("-");
};

/** "2026-01-02 14:03:22" in the reader's time zone: for titles, which are exact. */
export const moment = (ms) => `${date(ms)} ${clock(ms)}`;

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** "14:03" today, "Jan 2, 14:03" on another day, "Jan 2, 2025" in another year. */
function sinceWord(then, now) {
  const [d, today] = [new Date(then), new Date(now)];
  const time = clock(then).slice(0, 5);
  if (date(then) === date(now)) return time;
  return `${MONTHS[d.getMonth()]} ${d.getDate()}, ${d.getFullYear() === today.getFullYear() ? time : d.getFullYear()}`;
}

const SAME_EVENT_MS = 120_000; // a login, and the poll that saw it

/**
 * The foot of a card: what happened when. A live card speaks of the change and a stale one of the look,
 * for that is what has grown old. The first look at somebody is no change unless the vendor's last login
 * or logout was then; where that was long before, people are what they are since then.
 * @param {boolean} changed the page has seen this state come about
 * @returns {{left: string, right: string, title: string}}
 */
export function whenText(presence, now, { stale = false, changed = false } = {}) {
  const { observed_at: observed = 0, last_time: active = 0 } = presence ?? {};
  if (!observed) return { left: presence?.denied ? "your token does not allow it" : "waiting for the first look", right: "", title: "" };
  const title = `observed ${moment(observed)}${active > 0 ? `, last login or logout ${moment(active)}` : ""}`;
  const right = active > 0 ? `active ${ago(active, now)}` : "";
  if (stale || presence.stale) return { left: `observed ${ago(observed, now)}`, right, title };
  const together = active > 0 && Math.abs(observed - active) < SAME_EVENT_MS;
  if (together) return { left: `changed ${ago(observed, now)}`, right: "", title };
  if (changed) return { left: `changed ${ago(observed, now)}`, right, title };
  return { left: `since ${sinceWord(active > 0 ? Math.min(active, observed) : observed, now)}`, right: "", title };
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

const SHORT_ENOUGH = 12;

/**
 * A device's id as people can read it: the platform and a few characters that tell two apart, as in
 * "win · 8ea5" for win_8ea5dc05-37dd-… and "chrome · 0829" for webim_chrome_1700849740829.
 * Short ids stay as they are.
 */
export function deviceLabel(device) {
  const chars = [...device];
  if (chars.length <= SHORT_ENOUGH) return device;
  const [first, ...rest] = device.split("_").filter(Boolean);
  if (rest.length === 0 || !/^[a-z]{1,12}$/i.test(first)) return `${chars.slice(0, SHORT_ENOUGH - 1).join("")}…`;
  const last = rest.at(-1);
  if (/^webim$/i.test(first)) {
    const browser = rest.filter((word) => /^[a-z]{1,12}$/i.test(word) && word !== "random").at(-1) ?? "web";
    return /\d/.test(last) ? `${browser} · ${few(last)}` : browser;
  }
  return `${first} · ${few(rest.join("_"))}`;
}

/** The end of a number, for those drawn from a clock begin alike; the beginning of anything else. */
function few(id) {
  if (/^\d+$/.test(id)) return id.slice(-4);
  const word = id.split(/[^\p{L}\p{N}]+/u).find(Boolean) ?? id;
  return [...word].slice(0, /\d/.test(word) ? 4 : 8).join("");
}

const CHIPS = 3;

/**
 * Which devices of a person to show: whatever is not offline, then offline ones, up to three chips in
 * all; the others fold into one chip, never just one of them. `status` is device -> status.
 * @returns {{shown: string[], folded: string[]}}
 */
export function foldDevices(status) {
  const devices = Object.keys(status).sort((a, b) => (status[a] === "0") - (status[b] === "0") || (a < b ? -1 : 1));
  const on = devices.filter((d) => status[d] !== "0").length;
  const keep = devices.length <= CHIPS ? devices.length : Math.max(on, CHIPS - 1);
  const all = devices.length - keep < 2;
  return { shown: all ? devices : devices.slice(0, keep), folded: all ? [] : devices.slice(keep) };
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
  if (presence?.stale && !presence.known) return presence.online ? "Was online" : "Was offline";
  return WORDS[stateOf(presence)];
}

/** Nothing is told of somebody but online or offline, as with EASEMOB_STATUS=online; or they were never there. */
const wordOnly = (p) => Object.keys(p.status).length === 0 && p.ext === "" && !p.last_time;

/**
 * What happened between two states, for the log; null where nothing that people care about did.
 * `title` names the devices in full.
 * @returns {{kind: "up"|"away"|"edit", text: string, title: string}|null}
 */
export function describeChange(before, after) {
  if (!before?.known || !after.known) return null;
  const devices = new Set([...Object.keys(before.status), ...Object.keys(after.status)]);
  const moved = [...devices].filter((d) => (before.status[d] ?? "0") !== (after.status[d] ?? "0"));
  const title = moved.join(", ");
  const name = (d) => deviceLabel(d).replaceAll(" ", "\u00a0"); // stays on one line
  if (after.online !== before.online) {
    if (!after.online) return { kind: "away", text: "went offline", title };
    const on = moved.filter((d) => (after.status[d] ?? "0") !== "0");
    return { kind: "up", text: on.length > 0 ? `came online on ${on.map(name).join(", ")}` : "came online", title };
  }
  // What is not told any more, or is told at last, has not happened.
  if (wordOnly(after) || (before.online && wordOnly(before))) return null;
  const parts = moved.map((d) => `${name(d)} ${deviceWord(after.status[d] ?? "0")}`);
  if (after.ext !== before.ext) parts.push(after.ext === "" ? "cleared the text" : `“${after.ext}”`);
  return parts.length > 0 ? { kind: "edit", text: parts.join(", "), title } : null;
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
