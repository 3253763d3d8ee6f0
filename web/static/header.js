// What the page says about itself: the feed, how stale things are, the counts, and notices.
import { byId, setText } from "./dom.js";
import { feedState, feedWord, freshText, staleText } from "./feedstate.js";
import { count } from "./texts.js";

/** `client` is as shown() has it; `age` in ms, or null; `now` is the hub's. */
export function drawFeed(client, { age, now, closeCode }) {
  const state = feedState(client);
  document.body.dataset.feed = state;
  document.body.dataset.status = client.status;
  document.body.dataset.stale = String(client.stale);
  byId("feed-icon").setAttribute("href", `#icon-${state}`);
  setText(byId("feed-word"), feedWord(client));
  setText(byId("fresh"), freshText(client, age));
  drawStale(client, now, closeCode);
}

/** The bar; before anything was ever shown there is nothing that could be stale. */
function drawStale(client, now, closeCode) {
  const worth = client.stale && client.asOf !== null;
  byId("stale-note").hidden = !worth;
  if (!worth) return;
  const { what, since, why, words } = staleText(client, now, closeCode);
  setText(byId("stale-what"), what);
  setText(byId("stale-since"), since);
  setText(byId("stale-why"), why);
  setText(byId("stale-words"), words);
  byId("stale-words").hidden = words === "";
  byId("reconnect").hidden = feedState(client) !== "disconnected";
  document.body.style.setProperty("--bar", `${byId("stale-note").offsetHeight}px`); // what sticks below it keeps clear of it
}

export function drawCounts({ online, offline, unknown }) {
  const counts = { online, offline, unknown, all: online + offline + unknown };
  for (const [name, n] of Object.entries(counts)) setText(byId(`count-${name}`), count(n));
}

let told = () => "";

/** Shows a notice; it is a function, so that a change of language says it anew. */
export function notice(text = () => "") {
  told = text;
  const words = text();
  byId("notice").hidden = words === "";
  setText(byId("notice-text"), words);
}

export const sayNotice = () => notice(told);
