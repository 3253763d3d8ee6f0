// The page while it shows people: the connection, and who hears what.
import { PresenceClient } from "./presence.js";
import { drawAge, drawRate } from "./chart.js";
import { byId } from "./dom.js";
import { shown } from "./feedstate.js";
import { drawCounts, drawFeed, notice, sayNotice } from "./header.js";
import { List } from "./list.js";
import { Log } from "./log.js";
import { Mine } from "./mine.js";
import { Panel } from "./panel.js";
import { People } from "./people.js";
import { Age, Rate } from "./series.js";
import { Tap, tapped } from "./tap.js";
import { list, say, sayError } from "./texts.js";
import { TokenPrompt } from "./token.js";
import { wireAside, wireTools } from "./tools.js";
import { tooManyText } from "./uids.js";
import { Wire } from "./wire.js";

const ARRANGE_MS = 1000; // rows that jump about more often than this cannot be read
const ASK_FEED_MS = 5000;

const some = (uids) => (uids.length > 3 ? say("notice.people", { first: list(uids.slice(0, 3)), n: uids.length - 3 }) : list(uids));

export class Live {
  people = new People();
  rate = new Rate();
  age = new Age();
  #view = {};
  #timer = 0;
  #arrangedAt = 0;
  #closeCode = null;
  #worked = false; // a connection has been open with the token that is held
  #stop = () => {};
  #watched = 0;

  /** `auth`: the hub wants a token, so there is no use in asking it without. `onView` shows "board" or "token". */
  constructor({ uids, auth, api, onView }) {
    Object.assign(this, { uids, api, onView });
    this.client = this.#connection(!auth);
    this.list = new List(byId("people"), api.clock, (uid) => this.#open(uid));
    this.log = new Log(byId("log"), byId("log-empty"));
    this.panel = new Panel({ api, look: (uid) => this.people.get(uid)?.presence, facts: () => this.#facts(), onClose: (uid) => this.#closed(uid) });
    this.mine = new Mine(this.client, api);
    this.prompt = new TokenPrompt((token) => this.#enter(token));
    wireTools((view) => ((this.#view = view), this.#arrange()));
    wireAside(() => this.wire.draw());
    this.#listen();
    this.#watch(uids.length);
    if (auth) this.#askForToken();
    setInterval(() => this.#turn(), 1000);
    setInterval(() => this.#askFeed(), ASK_FEED_MS);
    this.#drawFeed();
  }

  #connection(connect) {
    const tap = new Tap();
    this.wire = new Wire(tap);
    const fallback = () => import("./sse.js").then(({ EventSocket }) => tapped(EventSocket, tap));
    return new PresenceClient({ connect, WebSocket: tapped(WebSocket, tap), fallback });
  }

  #listen() {
    const { client } = this;
    for (const type of ["stale", "feed"]) client.addEventListener(type, () => this.#drawFeed());
    client.addEventListener("status", ({ detail }) => this.#onStatus(detail));
    client.addEventListener("welcome", ({ detail }) => this.#watch(Math.min(this.uids.length, detail.limits.max_uids)));
    client.addEventListener("denied", ({ detail }) => notice(() => say("notice.denied", { people: some(detail.uids) })));
    client.addEventListener("error", ({ detail }) => this.#onError(detail));
    byId("reconnect").addEventListener("click", () => client.connect());
  }

  #onStatus({ status, closeCode = null }) {
    this.#closeCode = closeCode;
    if (status === "open") {
      this.#worked = true;
      this.onView("board");
      notice(() => tooManyText(this.uids.length, this.client.limits.max_uids));
      this.#askFeed();
    }
    this.#drawFeed();
  }

  #onError({ code, closeCode, uids }) {
    if (closeCode === 4401 || (closeCode === 4403 && this.api.token)) return this.#askForToken(closeCode);
    if (uids) return notice(() => say("notice.refused", { people: some(uids), why: sayError(code) }));
    if (!closeCode) notice(() => sayError(code)); // why it is closed, the bar says
  }

  #askForToken(closeCode = null) {
    if (this.panel.uid) this.panel.close();
    this.onView("token");
    this.prompt.ask({ closeCode, given: this.api.token !== undefined, worked: this.#worked });
  }

  #enter(token) {
    this.#worked = false;
    this.api.token = token;
    this.client.renew(token);
  }

  /** Watches all, or as many as the hub serves: one too many, and it refuses again and again. */
  #watch(most) {
    if (most === this.#watched) return;
    this.#watched = most;
    this.#stop();
    const uids = this.uids.slice(0, most);
    this.people.populate(uids);
    this.#arrange();
    this.#arrangedAt = 0;
    drawCounts(this.people.counts);
    this.#stop = this.client.watch(uids, (presence) => this.#take(presence));
  }

  #take(presence) {
    const change = this.people.take(presence);
    const person = this.people.get(presence.uid);
    if (!person) return;
    this.list.update(person);
    if (change) {
      this.rate.hit();
      this.log.add(presence, change);
    }
    if (presence.uid === this.panel.uid) this.panel.changed();
    this.#timer ||= setTimeout(() => this.#arrange(), Math.max(0, this.#arrangedAt + ARRANGE_MS - Date.now()));
  }

  #arrange() {
    clearTimeout(this.#timer);
    this.#timer = 0;
    this.#arrangedAt = Date.now();
    const people = this.people.arranged(this.#view);
    this.list.arrange(people);
    drawCounts(this.people.counts);
    byId("nobody").hidden = people.length > 0;
    byId("shown").textContent = say("people.shown", { n: people.length });
  }

  #open(uid) {
    this.list.select(uid);
    this.panel.open(uid);
    document.body.dataset.panel = "open";
  }

  #closed(uid) {
    document.body.dataset.panel = "";
    this.list.select("");
    if (uid) byId("people").focus({ preventScroll: true });
  }

  get #shown() {
    return shown(this.client, this.api.clock);
  }

  #facts() {
    const { stale, asOf } = this.#shown;
    return { stale, asOf: stale ? asOf : this.age.asOf };
  }

  /** The feed is told when it changes; how fresh it is while it does not has to be asked for. */
  async #askFeed() {
    if (document.hidden || this.client.stale || this.uids.length === 0) return;
    const feed = await this.api.feed(this.uids[0]).catch(() => null); // the bar says what is wrong, if anything is
    if (feed) this.age.heard(feed.as_of, feed.lag);
  }

  #turn() {
    this.rate.turn();
    this.age.turn(this.#shown, this.api.clock.now());
    if (document.hidden) return;
    drawRate(this.rate);
    drawAge(this.age, this.client.stale);
    this.#drawFeed();
    this.panel.draw();
  }

  #drawFeed() {
    drawFeed(this.#shown, { age: this.age.now, now: this.api.clock.now(), closeCode: this.#closeCode });
    this.list.tick(this.client.stale);
  }

  /** Says everything anew, in the language spoken now. */
  speak() {
    for (const part of [this.list, this.log, this.mine, this.prompt, this.wire]) part.speak();
    sayNotice();
    this.#arrange();
    this.panel.draw();
    this.#drawFeed();
    drawRate(this.rate);
    drawAge(this.age, this.client.stale);
  }
}
