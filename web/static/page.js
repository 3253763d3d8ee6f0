// The live page: whom to show, the connection, and who hears what.
import { PresenceClient } from "./presence.js";
import { Board } from "./board.js";
import { Log, Rate } from "./log.js";
import { drawCounts, drawFeed, drawRate, drawStale, notice } from "./header.js";
import { parseUids, tooManyText } from "./uids.js";

const TOKEN_KEY = "presence-token"; // sessionStorage: gone with the tab
const SETTINGS_TIMEOUT_MS = 5000;
const byId = (id) => document.getElementById(id);
const view = (name) => (document.body.dataset.view = name);

/** The address decides, then the hub's own page.json; neither is a reason to fail. */
async function whomToShow() {
  const { uids = [], title = "Presence", auth } = await hubSettings();
  const asked = new URLSearchParams(location.search).get("uids");
  return { uids: parseUids(asked || uids.join(",")), title, auth: auth === true };
}

async function hubSettings() {
  try {
    const answer = await fetch("page.json", { signal: AbortSignal.timeout(SETTINGS_TIMEOUT_MS) });
    return answer.ok ? await answer.json() : {};
  } catch {
    return {};
  }
}

function start(uids, auth) {
  const rate = new Rate();
  const log = new Log(byId("log"), byId("log-empty"));
  const board = new Board(byId("board"), {
    onCounts: drawCounts,
    onVisible: (n) => (byId("nobody").hidden = n > 0),
    onChange: (presence, change) => {
      rate.hit();
      log.add(presence, change);
    },
  });
  board.populate(uids);
  wireTools(board);

  const token = sessionStorage.getItem(TOKEN_KEY) ?? undefined;
  const known = token !== undefined || !auth; // else the hub would only hang up
  const client = new PresenceClient({ token, connect: known });
  watchWithinLimits(client, board, uids);
  wireClient(client, uids.length);
  wireToken(client);
  if (!known) askForToken();

  drawFeed(client);
  drawRate(rate);
  setInterval(() => {
    rate.turn();
    drawRate(rate);
    drawStale(client);
    board.tick(Date.now(), client.stale);
  }, 1000);
  client.addEventListener("stale", () => board.tick(Date.now(), client.stale));
}

/** Watches all, or as many as the hub says it serves: one too many, and it refuses again and again. */
function watchWithinLimits(client, board, uids) {
  const take = (presence) => board.take(presence);
  let watched = uids.length;
  let stop = client.watch(uids, take);
  client.addEventListener("welcome", ({ detail }) => {
    const fits = Math.min(uids.length, detail.limits.max_uids);
    if (fits === watched) return;
    watched = fits;
    stop();
    board.populate(uids.slice(0, fits));
    stop = client.watch(uids.slice(0, fits), take);
  });
}

function wireClient(client, asked) {
  for (const type of ["status", "stale", "feed"]) client.addEventListener(type, () => drawFeed(client));
  client.addEventListener("status", ({ detail }) => {
    if (detail.status !== "open") return;
    view("board");
    notice(tooManyText(asked, client.limits.max_uids));
  });
  client.addEventListener("denied", ({ detail }) => notice(`You may not watch ${people(detail.uids)}.`));
  client.addEventListener("error", ({ detail }) => {
    if (detail.closeCode === 4401) return askForToken();
    notice(detail.uids ? `The hub refused ${people(detail.uids)}: ${detail.message || detail.code}.` : `${detail.message || detail.code}.`);
  });
  byId("reconnect").addEventListener("click", () => client.connect());
  // A network that is back, or a tab looked at again, is a better sign than any back-off.
  const comeBack = () => client.status === "stale" && !document.hidden && client.connect();
  addEventListener("online", comeBack);
  document.addEventListener("visibilitychange", comeBack);
}

const people = (uids) => (uids.length > 3 ? `${uids.slice(0, 3).join(", ")} and ${uids.length - 3} more` : uids.join(", "));

function askForToken() {
  if (sessionStorage.getItem(TOKEN_KEY)) byId("token-why").textContent = "The hub did not take the token: it may have expired. Please try another one.";
  sessionStorage.removeItem(TOKEN_KEY);
  view("token");
  byId("token").focus();
}

function wireToken(client) {
  byId("token-form").addEventListener("submit", (event) => {
    event.preventDefault();
    const token = byId("token").value.trim();
    byId("token").value = "";
    sessionStorage.setItem(TOKEN_KEY, token);
    client.renew(token);
  });
}

function wireTools(board) {
  const search = byId("search");
  search.addEventListener("input", () => board.search(search.value));
  for (const radio of document.querySelectorAll("[name=sort]")) {
    if (radio.checked) board.sortBy(radio.value); // a reload keeps what was chosen
    radio.addEventListener("change", () => board.sortBy(radio.value));
  }
  const filters = [...document.querySelectorAll("[data-show]")];
  for (const button of filters) {
    button.addEventListener("click", () => {
      for (const other of filters) other.setAttribute("aria-pressed", String(other === button));
      board.show(button.dataset.show);
    });
  }
  addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.ctrlKey || event.metaKey || event.target.matches?.("input, textarea")) return;
    event.preventDefault();
    search.focus();
  });
}

byId("notice-close").addEventListener("click", () => notice(""));

const { uids, title, auth } = await whomToShow();
byId("title").textContent = document.title = title;
view(uids.length > 0 ? "board" : "setup");
if (uids.length > 0) start(uids, auth);
else byId("setup-uids").focus();
