// What the package's types have to take, and what not. TestClientPackage has the compiler read it; nothing runs it.
import { CLOSE_CODES, PresenceClient, PresenceError, connect, type Presence } from "presence-bridge-client";
import { connect as share } from "presence-bridge-client/shared";
import { useConnection, usePresence } from "presence-bridge-client/react";
import { usePresence as usePresenceRef } from "presence-bridge-client/vue";
import { presence } from "presence-bridge-client/svelte";

const client: PresenceClient = connect({ url: "/v1/ws", token: async () => "t", sleepAfterMs: Infinity, fallback: false, WebSocket });
const off: () => void = client.watch(["alice"], (p: Presence) => {
  const state: "online" | "offline" | "unknown" = p.state;
  return state;
});
client.set({ resource: "web", status: 1 }).catch((err: PresenceError) => err.code === "busy");
client.addEventListener("error", (e) => e.detail.code === "too_many_uids" && e.detail.fatal);
client.addEventListener("stale", off, { once: true });

const one: Presence = usePresence(client, "alice");
const alice: Presence = usePresence(client, ["alice", "bob"]).alice;
const states = [one.state, alice.state, usePresenceRef(client, () => ["alice"]).value.alice.state, usePresenceRef(client, "alice").value.state];
presence(client, "alice").subscribe((p) => states.push(p.state));
export const target: EventTarget = client;
export const rest = [useConnection(client).status, share({ token: "t" }).stale, CLOSE_CODES[4403].comeBack];

// @ts-expect-error a number is nobody
usePresence(client, 5);
// @ts-expect-error states are told, not set
one.state = "online";
