import type { PresenceClient } from "./presence.js";
import type { Connection, PresenceOf, Uids } from "./store.js";

/** The presence of one uid, or an object uid -> presence of several; renders again when one of them changes. */
export function usePresence<U extends Uids>(client: PresenceClient, uids: U): PresenceOf<U>;

/** The connection; renders again when it changes. */
export function useConnection(client: PresenceClient): Connection;
