// The hub over HTTP. The token is held here, in memory, and nowhere else: it is in no address, storage or log.

const TIMEOUT_MS = 10_000;

/** What the hub refuses with: `code` as in its table, "connect" where it was not reached; `status` of HTTP, or 0. */
export class Refusal extends Error {
  constructor(code, status) {
    super(code);
    this.code = code;
    this.status = status;
  }
}

export class Api {
  token = undefined;

  /** Asks the hub, and returns its answer's JSON. @throws {Refusal} */
  async ask(path, { method = "GET", body, signal } = {}) {
    const headers = this.token ? { Authorization: `Bearer ${this.token}` } : {};
    const timeout = AbortSignal.timeout(TIMEOUT_MS);
    const options = { method, headers, body: body && JSON.stringify(body), signal: signal ? AbortSignal.any([signal, timeout]) : timeout };
    const answer = await fetch(path, options).catch(() => null);
    if (!answer) throw new Refusal("connect", 0);
    const said = await answer.json().catch(() => ({}));
    if (!answer.ok) throw new Refusal(said.code ?? String(answer.status), answer.status);
    return said;
  }

  history(uid, signal) {
    return this.ask(`v1/presence/${encodeURIComponent(uid)}/history`, { signal });
  }

  /** What the hub says of its feed: {state, as_of, reason}. It is told with the state of a user who is watched anyway. */
  async feed(uid) {
    return (await this.ask(`v1/presence?uids=${encodeURIComponent(uid)}`)).feed;
  }

  set(uid, { resource, status, ext }) {
    return this.ask(`v1/presence/${encodeURIComponent(uid)}/${encodeURIComponent(resource)}`, { method: "PUT", body: { status, ext } });
  }
}
