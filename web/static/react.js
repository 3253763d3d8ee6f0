// React 18 and later: hooks on useSyncExternalStore. Components that watch the same user share one subscription.
import { useMemo, useSyncExternalStore } from "react";
import { connectionStore, presenceStore } from "./store.js";

const useStore = ({ subscribe, get }) => useSyncExternalStore(subscribe, get, get);

/** usePresence(client, "alice") is alice's presence, usePresence(client, ["alice", "bob"]) an object of both. */
export function usePresence(client, uids) {
  const key = JSON.stringify(uids); // a list written in the component is another one with each render
  return useStore(useMemo(() => presenceStore(client, JSON.parse(key)), [client, key]));
}

/** {status, stale, feed} of the connection. */
export const useConnection = (client) => useStore(useMemo(() => connectionStore(client), [client]));
