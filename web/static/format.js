// How the page puts people and what they do into words. Pure but for the language spoken.
import { deviceLabel } from "./devices.js";
import { list, say } from "./texts.js";
import { ago, moment, sinceWord } from "./time.js";

export const deviceWord = (status) =>
  status === "0" || status === "1" ? say(`device.${status}`) : say("device.custom", { status });

/** What somebody is in: pending is unknown even where a state from before is held. */
export function stateOf(presence) {
  if (!presence?.known) return "unknown";
  return presence.online ? "online" : "offline";
}

export function stateWord(presence) {
  if (presence?.denied) return say("state.denied");
  if (presence?.stale && !presence.known) return say(presence.online ? "state.was.online" : "state.was.offline");
  return say(`state.${stateOf(presence)}`);
}

const SAME_EVENT_MS = 120_000; // a login, and the poll that saw it

/**
 * What happened when. A live row speaks of the change and a stale one of the look, for that is what has grown old. The
 * first look at somebody is no change unless the vendor's last login or logout was then; where that was long before,
 * people are what they are since then.
 * @param {boolean} changed the page has seen this state come about
 * @returns {{left: string, right: string, title: string}}
 */
export function whenText(presence, now, { stale = false, changed = false } = {}) {
  const { observed_at: observed = 0, last_time: active = 0 } = presence ?? {};
  if (!observed) return { left: say(presence?.denied ? "when.denied" : "when.waiting"), right: "", title: "" };
  const title = say(active > 0 ? "when.title.active" : "when.title", { observed: moment(observed), active: moment(active) });
  const right = active > 0 ? say("when.active", { ago: ago(active, now) }) : "";
  if (stale || presence.stale) return { left: say("when.observed", { ago: ago(observed, now) }), right, title };
  const together = active > 0 && Math.abs(observed - active) < SAME_EVENT_MS;
  if (together || changed) return { left: say("when.changed", { ago: ago(observed, now) }), right: together ? "" : right, title };
  const since = active > 0 ? Math.min(active, observed) : observed;
  return { left: say("when.since", { time: sinceWord(since, now) }), right: "", title };
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

/** Nothing is told of somebody but online or offline, as with EASEMOB_STATUS=online; or they were never there. */
const wordOnly = (p) => Object.keys(p.status).length === 0 && p.ext === "" && !p.last_time;

/**
 * What happened between two states; null where nothing that people care about did. `title` names the devices in full.
 * Without words: those are changeText's, so that a change of language says it anew.
 * @returns {{kind: "up"|"away"|"edit", moved: [string, string][], ext: string|null, title: string}|null}
 */
export function changeOf(before, after) {
  if (!before?.known || !after.known) return null;
  const devices = new Set([...Object.keys(before.status), ...Object.keys(after.status)]);
  const differ = [...devices].filter((d) => (before.status[d] ?? "0") !== (after.status[d] ?? "0"));
  const moved = differ.map((d) => [d, after.status[d] ?? "0"]);
  const title = differ.join(" ");
  if (after.online !== before.online) return { kind: after.online ? "up" : "away", moved, ext: null, title };
  // What is not told any more, or is told at last, has not happened.
  if (wordOnly(after) || (before.online && wordOnly(before))) return null;
  const ext = after.ext === before.ext ? null : after.ext;
  return moved.length > 0 || ext !== null ? { kind: "edit", moved, ext, title } : null;
}

const label = (device) => deviceLabel(device).replaceAll(" ", "\u00a0"); // stays on one line

/** A change in words: "came online on ios", "web status 101, “busy”". */
export function changeText({ kind, moved, ext }) {
  if (kind === "away") return say("change.offline");
  if (kind === "up") {
    const on = moved.filter(([, status]) => status !== "0").map(([device]) => label(device));
    return on.length > 0 ? say("change.online.on", { devices: list(on) }) : say("change.online");
  }
  const said = moved.map(([device, status]) => say("change.device", { device: label(device), word: deviceWord(status) }));
  if (ext !== null) said.push(ext === "" ? say("change.cleared") : say("quoted", { text: ext }));
  return list(said);
}
