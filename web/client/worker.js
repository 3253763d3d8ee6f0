// The shared worker: one connection, and a port to each tab.
import { PresenceClient } from "./presence.js";
import { Relay } from "./relay.js";

const relay = new Relay((options) => new PresenceClient(options));
globalThis.onconnect = ({ ports: [port] }) => relay.attach(port);
