// Why somebody is shown as they are, and what the log holds of them, in words. Pure but for the language spoken.
import { deviceLabel, inOrder } from "./devices.js";
import { changeOf, changeText, deviceWord, stateWord } from "./format.js";
import { list, say } from "./texts.js";
import { ago, fineClock, moment, shortMoment, span } from "./time.js";

/** Why this state is shown: {state, doubt}, the second "" where there is none. `presence` may be undefined. */
export function whyText(presence, stale) {
  const doubt = stale && presence?.known ? say("why.stale") : "";
  if (!presence?.known) return { state: doubtful(presence), doubt };
  if (!presence.online) return { state: say("why.offline"), doubt };
  const on = inOrder(presence.status).filter((d) => presence.status[d] !== "0");
  const devices = list(on.map((d) => named(d, presence.status[d])));
  const key = on.length === 0 ? "why.online.word" : on.length === 1 ? "why.online.one" : "why.online";
  return { state: say(key, { devices }), doubt };
}

/** A device as it says that somebody is there: with its status where that is one of the app's own. */
const named = (device, status) =>
  status === "1" ? deviceLabel(device) : say("device.one", { device: deviceLabel(device), word: deviceWord(status) });

function doubtful(presence) {
  if (presence?.denied) return say("why.denied");
  return presence?.observed_at ? say("why.held", { state: stateWord(presence) }) : say("why.unknown");
}

/** When somebody was last looked at, by what the feed says of everybody. `asOf` is in Unix ms, or null. */
export function verifiedText(presence, asOf, now) {
  if (!presence?.known) return say("verified.none");
  return asOf ? say("verified.asof", { time: shortMoment(asOf, now), ago: ago(asOf, now) }) : say("verified.live");
}

/** The honest interval in which a change happened. */
export function happenedText({ not_before: from, observed_at: to }, now) {
  const key = from > 0 && from < to ? "happened.between" : "happened.by";
  return say(key, interval(from, to, now));
}

/** Both ends of an interval, to the millisecond where it is shorter than what a clock with seconds can tell. */
function interval(from, to, now) {
  const short = to - from < 2000 && shortMoment(to, now).length === 8;
  return short ? { from: fineClock(from), to: fineClock(to) } : { from: shortMoment(from, now), to: shortMoment(to, now) };
}

const SOURCES = ["poll", "subscribe", "hint", "bridge"];
export const sourceText = (source) => say(`source.${SOURCES.includes(source) ? source : "other"}`, { source });

/** Until when the vendor's subscription lasts. `subscription` is {until}, Unix ms, or null. */
export function subscriptionText(subscription, now) {
  if (!subscription?.until) return say("subscription.none");
  const { until } = subscription;
  if (until <= now) return say("subscription.ended", { ago: ago(until, now) });
  return say("subscription.until", { time: moment(until), span: span(until - now) });
}

/**
 * One change of the history: what it was, when, and how it was learned. `change` is as in the stream.
 * @returns {{kind: string, text: string, when: string, detail: string}}
 */
export function historyLine(change, now) {
  const { not_before: from, observed_at: to, source } = change;
  const { kind, text } = happened(change);
  const between = from > 0 && from < to;
  const detail = say(between ? "history.detail" : "history.by", { ...interval(from, to, now), source });
  return { kind, text, when: shortMoment(to, now), detail };
}

function happened({ changed = [], prev, online, status, ext }) {
  if (changed.includes("unwatched")) return { kind: "unwatched", text: say("change.unwatched") };
  const first = { kind: online ? "up" : "away", text: say(online ? "change.first.online" : "change.first.offline") };
  if (changed.includes("first") || !prev) return first;
  const full = (p) => ({ status: {}, ext: "", last_time: 0, ...p, known: true });
  const change = changeOf(full(prev), full({ online, status: status ?? {}, ext: ext ?? "", last_time: 1 }));
  return change ? { kind: change.kind, text: changeText(change) } : { kind: "edit", text: say("change.login") };
}
