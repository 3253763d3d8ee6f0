// What the page says about itself: the feed, how stale things are, and notices.
import { clock } from "./format.js";

const byId = (id) => document.getElementById(id);
const WORDS = { live: "Live", degraded: "Degraded", down: "Down" };

/** live, degraded, down or disconnected: what the page is in. Pure. */
export function feedState(client) {
  if (client.status !== "open") return "disconnected";
  return client.feed?.state ?? "live";
}

/** The word beside the icon. Pure. */
export function feedWord(client) {
  const state = feedState(client);
  if (state !== "disconnected") return WORDS[state];
  return { idle: "Not connected", stale: "Reconnecting", closed: "Disconnected" }[client.status] ?? "Connecting";
}

/** What the bar says while things are stale. Pure. */
export function staleText(client) {
  const state = feedState(client);
  const what =
    state === "disconnected"
      ? client.status === "closed" ? "Disconnected." : "Connection lost, reconnecting."
      : state === "down" ? "The feed is down." : "The feed is behind.";
  const reason = client.feed?.reason && state !== "disconnected" ? ` (${client.feed.reason})` : "";
  return { what, since: `Shown as of ${clock(client.asOf)}${reason}; people may have come or gone since.` };
}

export function drawFeed(client) {
  const state = feedState(client);
  document.body.dataset.feed = state;
  document.body.dataset.status = client.status;
  document.body.dataset.stale = String(client.stale);
  byId("feed-icon").setAttribute("href", `#icon-${state}`);
  if (byId("feed-word").textContent !== feedWord(client)) byId("feed-word").textContent = feedWord(client);
  drawStale(client);
}

/** The bar; before anything was ever shown there is nothing that could be stale. */
export function drawStale(client) {
  const worth = client.stale && client.asOf !== null;
  byId("stale-note").hidden = !worth;
  if (!worth) return;
  const { what, since } = staleText(client);
  byId("stale-what").textContent = what;
  byId("stale-since").textContent = since;
  byId("reconnect").hidden = feedState(client) !== "disconnected";
}

export function drawCounts({ online, offline, unknown }) {
  const counts = { online, offline, unknown, all: online + offline + unknown };
  for (const [name, n] of Object.entries(counts)) byId(`count-${name}`).textContent = n.toLocaleString("en");
}

export function drawRate(rate) {
  byId("rate").textContent = rate.perSecond.toFixed(1);
  byId("spark-line").setAttribute("points", rate.points);
  byId("spark-area").setAttribute("d", `M0,20 L${rate.points} L59,20 Z`);
}

export function notice(text) {
  byId("notice").hidden = text === "";
  byId("notice-text").textContent = text;
}
