import type { PresenceClient } from "./presence.js";
import type { Connection, PresenceOf, Uids } from "./store.js";

/** The contract of Svelte's stores, without Svelte. */
export interface Readable<T> {
  subscribe(run: (value: T) => void): () => void;
}

/** The presence of one uid, or an object uid -> presence of several. */
export function presence<U extends Uids>(client: PresenceClient, uids: U): Readable<PresenceOf<U>>;

export function connection(client: PresenceClient): Readable<Connection>;
