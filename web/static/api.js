// The hub over HTTP. The token is held here, in memory, and nowhere else: it is in no address, storage or log.

import { HubClock } from "./hubclock.js";

const TIMEOUT_MS = 10_000;

/** What the hub refuses with: `code` as in its table, "connect" where it was not reached; `status` of HTTP, or 0. */
export class Refusal extends Error {
  constructor(code, status) {
    super(code);
    this.code = code;
    this.status = status;
  }
}

// The header Date is cut off to seconds: it counts as the end of its second, so that nothing looks fresher than it is.
const lagOf = (asOf, date) => (asOf > 0 && date > 0 ? Math.max(0, date + 999 - asOf) : null);

export class Api {
  token = undefined;
  clock = new HubClock();

  /** Asks the hub, and returns its answer's JSON. @throws {Refusal} */
  async ask(path, options) {
    return (await this.#exchange(path, options)).said;
  }

  /** The same, with when the hub said it by its own clock: {said, date}, `date` in Unix ms or NaN. */
  async #exchange(path, { method = "GET", body, signal } = {}) {
    const headers = this.token ? { Authorization: `Bearer ${this.token}` } : {};
    const timeout = AbortSignal.timeout(TIMEOUT_MS);
    const options = { method, headers, body: body && JSON.stringify(body), signal: signal ? AbortSignal.any([signal, timeout]) : timeout };
    const asked = this.clock.here();
    const answer = await fetch(path, options).catch(() => null);
    if (!answer) throw new Refusal("connect", 0);
    const date = Date.parse(answer.headers.get("Date"));
    this.clock.hear(date, asked, this.clock.here());
    const said = await answer.json().catch(() => ({}));
    if (!answer.ok) throw new Refusal(said.code ?? String(answer.status), answer.status);
    return { said, date };
  }

  history(uid, signal) {
    return this.ask(`v1/presence/${encodeURIComponent(uid)}/history`, { signal });
  }

  /**
   * What the hub says of its feed: {state, as_of, reason, lag}. It is told with the state of a user who is watched
   * anyway. `lag` is how long before the answer as_of was, ms, or null. Both are of the hub's clock: this one may be off.
   */
  async feed(uid) {
    const { said, date } = await this.#exchange(`v1/presence?uids=${encodeURIComponent(uid)}`);
    return said.feed && { ...said.feed, lag: lagOf(said.feed.as_of, date) };
  }

  set(uid, { resource, status, ext }) {
    return this.ask(`v1/presence/${encodeURIComponent(uid)}/${encodeURIComponent(resource)}`, { method: "PUT", body: { status, ext } });
  }
}
