// The end of a tab: what looks like a WebSocket is a port to the worker that has one.
import { claimsOf } from "./frames.js";

/** What a token says of whom it is for, and what it allows: the same for renewed ones. */
export const identityOf = (token) => {
  const { sub, watch, set } = claimsOf(token);
  return token ? JSON.stringify([sub, watch, set]) : "";
};

/** Signed tokens that no claims can be read of are told apart as they are. */
const keyOf = (token) => (token && Object.keys(claimsOf(token)).length === 0 ? token : identityOf(token));

/**
 * The class of such sockets. `start(name)` gives the worker of that name, {port, onerror}. Where none can be had
 * (another origin, no modules in workers) it makes plain WebSockets from then on.
 */
export function portSocket(start, WebSocket) {
  let broken = false;
  return function (url, protocols) {
    if (!broken) {
      try {
        return new PortSocket(start, url, protocols, () => (broken = true));
      } catch {
        broken = true;
      }
    }
    return new WebSocket(url, protocols);
  };
}

const PATIENCE_MS = 10_000; // a worker that has said nothing for so long is none

class PortSocket {
  onmessage = null;
  onclose = null;
  #port;
  #key;
  #since = Date.now(); // when this began to listen; 0: it was answered
  #failed; // tells the class that there is no worker to be had

  constructor(start, url, protocols, failed) {
    const token = protocols.find((p) => p.startsWith("bearer."))?.slice(7);
    this.#failed = failed;
    this.#key = keyOf(token);
    const worker = start(`presence ${url} ${this.#key}`);
    worker.onerror = () => this.#end(1006, "no shared worker", failed());
    this.#port = worker.port;
    this.#port.onmessage = ({ data }) => this.#onMessage(data);
    this.#port.postMessage({ open: { url, token } });
  }

  send(data) {
    const m = JSON.parse(data);
    // Another user, or other rights: that is another worker's.
    if (m.type === "auth" && keyOf(m.token) !== this.#key) return queueMicrotask(() => this.#end(1012, "another user"));
    this.#port.postMessage({ say: m });
  }

  /** The worker is not to wait for its back-off. */
  wake() {
    this.#port.postMessage({ wake: true });
  }

  close() {
    if (this.#since && Date.now() - this.#since > PATIENCE_MS) this.#failed();
    this.#port.postMessage({ leave: true });
    this.#port.onmessage = null;
    this.#port.close();
  }

  #onMessage({ say, close }) {
    this.#since = 0;
    if (say) this.onmessage?.({ data: JSON.stringify(say) });
    if (close) this.#end(close.code, close.reason);
  }

  #end(code, reason) {
    this.onclose?.({ code, reason });
  }
}
