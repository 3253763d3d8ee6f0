// One connection for all tabs of a user: connect() as in presence.js, over a worker that the tabs share.
// Tabs share where their tokens say the same (whom they belong to, and what they allow), so that nobody sees by
// another's right. The token stays in memory. Where there are no shared workers each tab connects for itself.
import { PresenceClient } from "./presence.js";
import { portSocket } from "./port.js";

const startWorker = (name) => new SharedWorker(new URL("./worker.js", import.meta.url), { type: "module", name });

/** @see presence.d.ts; `sharing` of the options is a function that starts the worker, for tests. */
export function connect(options = {}) {
  const start = options.startWorker ?? (typeof SharedWorker === "undefined" ? null : startWorker);
  if (!start) return new PresenceClient(options);
  return new PresenceClient({ ...options, WebSocket: portSocket(start, options.WebSocket ?? globalThis.WebSocket) });
}
