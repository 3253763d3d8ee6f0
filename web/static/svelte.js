// Svelte: readable stores, for $presence in a component. The contract is subscribe(run) alone, so anything that
// takes such a store can use them; Svelte itself is not needed.
import { connectionStore, presenceStore } from "./store.js";

const readable = ({ subscribe, get }) => ({
  subscribe(run) {
    const off = subscribe(() => run(get()));
    run(get());
    return off;
  },
});

/** A store of the presence of one uid, or of an object uid -> presence of several. */
export const presence = (client, uids) => readable(presenceStore(client, uids));

/** A store of {status, stale, feed} of the connection. */
export const connection = (client) => readable(connectionStore(client));
