// What the page says of the connection and the feed. Pure but for the language spoken.
import { say, sayClose, sayReason } from "./texts.js";
import { shortMoment, span } from "./time.js";

/** live, degraded, down or disconnected: what the page is in. */
export function feedState(client) {
  if (client.status !== "open") return "disconnected";
  return client.feed?.state ?? "live";
}

/**
 * What is shown of the client: {status, feed, stale, asOf}, with asOf by the hub's clock. The client has the hub's word
 * for it while the feed is not live, and this machine's clock otherwise.
 */
export function shown({ status, feed, stale, asOf }, clock) {
  const told = asOf === null || (feed && feed.state !== "live");
  return { status, feed, stale, asOf: told ? asOf : clock.at(asOf) };
}

/** The word beside the icon. */
export function feedWord(client) {
  const state = feedState(client);
  return say(`feed.${state === "disconnected" ? client.status : state}`);
}

/** What stands below it while all is well; "" otherwise. `age` is in ms, or null. */
export function freshText(client, age) {
  if (client.stale) return "";
  return age === null ? say("feed.now") : say("feed.fresh", { age: span(Math.max(1000, Math.ceil(age / 1000) * 1000)) });
}

/** What the bar says while things are stale, and why where that is known; `words` is how the feed says it, where that is more. */
export function staleText(client, now, closeCode = null) {
  const state = feedState(client);
  const closed = client.status === "closed";
  const { said, words } = sayReason((state !== "disconnected" && client.feed) || {});
  const why = said && say("stale.reason", { reason: said });
  const kind = state === "disconnected" ? (closed ? "closed" : "lost") : state;
  return {
    what: say(`stale.${kind === "live" ? "lost" : kind}`),
    since: say("stale.since", { time: shortMoment(client.asOf, now) }),
    why: closed && closeCode ? sayClose(closeCode) : why,
    words,
  };
}
