import type { Feed, Presence, PresenceClient, Status } from "./presence.js";

/** What a value that changes offers. */
export interface Store<T> {
  /** The value as it is; the same object until something changes. */
  get(): T;
  /** Calls back after a change; returns the function that ends this. */
  subscribe(listener: () => void): () => void;
}

/** What one watches: a uid, or a list of them. */
export type Uids = string | readonly string[];

/** A presence of one uid, an object uid -> presence of a list. Whom nothing is known of has state "unknown". */
export type PresenceOf<U extends Uids> = U extends string ? Presence : Readonly<Record<string, Presence>>;

export interface Connection {
  readonly status: Status;
  readonly stale: boolean;
  readonly feed: Feed | null;
}

export function presenceStore<U extends Uids>(client: PresenceClient, uids: U): Store<PresenceOf<U>>;
export function connectionStore(client: PresenceClient): Store<Connection>;
