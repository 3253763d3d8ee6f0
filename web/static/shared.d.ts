import type { PresenceClient, PresenceClientOptions } from "./presence.js";

/**
 * connect() as in presence.js, over one connection for all tabs of this origin whose tokens say the same. Where
 * there are no shared workers, each tab connects for itself. `status` is open as soon as the worker is reached;
 * while that is not connected, `feed` is down and states are stale.
 */
export function connect(
  options?: PresenceClientOptions & {
    /** Starts the worker of that name, where ./worker.js beside this file is not the one. */
    startWorker?: (name: string) => SharedWorker;
  },
): PresenceClient;
