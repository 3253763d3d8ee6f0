import type { MaybeRefOrGetter, ShallowRef } from "vue";
import type { PresenceClient } from "./presence.js";
import type { Connection, PresenceOf, Uids } from "./store.js";

/** The presence of one uid, or an object uid -> presence of several. */
export function usePresence<U extends Uids>(client: PresenceClient, uids: MaybeRefOrGetter<U>): Readonly<ShallowRef<PresenceOf<U>>>;

export function useConnection(client: PresenceClient): Readonly<ShallowRef<Connection>>;
