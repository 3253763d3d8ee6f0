// Types of presence.js, the browser client of presence-bridge.

/** One user, as last told by the hub. Frozen; each change is a new object. */
export interface Presence {
  readonly uid: string;
  /**
   * Whether any device is online, or, of a bridge with EASEMOB_STATUS=online, what the vendor says while status
   * stays empty; null while no state was ever told.
   */
  readonly online: boolean | null;
  /** device -> "0" (offline), "1" (online) or a custom status. */
  readonly status: Readonly<Record<string, string>>;
  readonly ext: string;
  /** When the vendor last saw the user change, Unix ms; 0 where it did not say. */
  readonly last_time: number;
  /** When the bridge saw this state, Unix ms; 0 where it never did. */
  readonly observed_at: number;
  /** What to show: unknown is not offline. Of a state that is stale, what it was. */
  readonly state: "online" | "offline" | "unknown";
  /** Whether the hub vouches for the state. False: pending or denied. */
  readonly known: boolean;
  /** The token does not allow to watch this user. */
  readonly denied: boolean;
  /** It may have changed since: nobody vouches for it just now, the connection is lost, or the feed is not live. */
  readonly stale: boolean;
}

export interface Feed {
  state: "live" | "degraded" | "down";
  /** Every watched user was verified no earlier than this, Unix ms. */
  as_of: number | null;
  /** Why it is not live, in words. */
  reason: string;
  /** The same for programs, in the same order: see "Why a feed is not live" in PROTOCOL.md. Others may be added. */
  codes: string[];
}

/**
 * idle: not started. connecting: for the first time. open: connected and caught up.
 * stale: lost or catching up, coming back by itself. closed: for good, until connect() or renew().
 */
export type Status = "idle" | "connecting" | "open" | "stale" | "closed";

export interface StatusDetail {
  status: Status;
  closeCode?: number;
  reason?: string;
  /** Where the client waits before it comes back: for how long. */
  retryInMs?: number;
}

export interface ErrorDetail {
  code: ErrorCode;
  message: string;
  /** The client has given up; connect() or renew() starts it again. */
  fatal: boolean;
  closeCode?: number;
  /** Whom a refused subscribe was about; they are asked for again a little later. */
  uids?: string[];
  cause?: unknown;
}

/** What a hub refuses with; what each means is in its README. */
export type HubErrorCode =
  | "bad_message" | "bad_uid" | "bad_wait" | "invalid" | "refused" | "subprotocol" | "too_many_uids"
  | "unknown_type" | "token" | "no_subject" | "not_allowed" | "origin_not_allowed" | "request" | "over_a_limit"
  | "internal" | "online_only" | "read_only" | "vendor_away" | "vendor_failed" | "vendor_refused" | "busy"
  | "draining" | "nats_away" | "no_keys" | "not_ready" | "too_many_connections";

/** The hub's, or of the client itself: `callback` is of a watcher that threw, `closed` and `connect` are fatal. */
export type ErrorCode =
  HubErrorCode | "callback" | "closed" | "connect" | "disconnected" | "not_connected" | "timeout" | "unknown" | (string & {});

/** What the hub allows one connection. */
export interface Limits {
  readonly max_uids: number;
  readonly max_message_bytes: number;
  readonly max_messages_per_second: number;
}

export interface PresenceClientEvents {
  /** A connection is accepted, and nobody was asked for on it yet: the moment to watch fewer. */
  welcome: CustomEvent<{ limits: Limits }>;
  status: CustomEvent<StatusDetail>;
  stale: CustomEvent<{ stale: boolean; asOf: number | null }>;
  feed: CustomEvent<Feed>;
  denied: CustomEvent<{ uids: string[] }>;
  error: CustomEvent<ErrorDetail>;
}

export interface PresenceClientOptions {
  /** ws(s) or http(s), absolute or relative to the page. Default: /v1/ws of the page's origin. */
  url?: string;
  /** A JWT, or a function that fetches one: asked for every connection, and for the next before the last expires. */
  token?: string | (() => string | undefined | Promise<string | undefined>);
  /** The WebSocket class, where there is no global one (Node before 22). Without any, the fallback is used. */
  WebSocket?: new (url: string, protocols?: string[]) => unknown;
  /**
   * Where WebSockets are blocked (two in a row were never welcomed): what to use until they get through again.
   * Default: server-sent events, by ./sse.js beside this file. false: nothing, WebSockets are tried again.
   */
  fallback?: false | (() => Promise<new (url: string, protocols: string[], client: PresenceClient) => unknown>);
  /** Disconnects when the page has been hidden for so long, until it is shown again. Default 60000; Infinity: never. */
  sleepAfterMs?: number;
  /** false: do not connect before connect() is called. */
  connect?: boolean;
  /** For tests. */
  page?: { document?: { hidden: boolean }; addEventListener?: Function; removeEventListener?: Function };
  setTimeout?: (callback: () => void, ms: number) => unknown;
  clearTimeout?: (timer: any) => void;
  random?: () => number;
  now?: () => number;
}

/** Connects, and keeps up with whoever is watched. */
export function connect(options?: PresenceClientOptions): PresenceClient;

export class PresenceClient extends EventTarget {
  constructor(options?: PresenceClientOptions);

  readonly status: Status;
  /** Not connected, not caught up, or the feed is not live: show as stale, never as offline. */
  readonly stale: boolean;
  /**
   * Up to when what is held was verified, Unix ms: the feed's as_of while that is not live, by this machine's clock else. In a
   * feed of connection_lost as_of is what the shared worker knows, by either clock.
   */
  readonly asOf: number | null;
  readonly feed: Feed | null;
  /** What the hub allows this connection; null before the first welcome. */
  readonly limits: Limits | null;
  /** Name of this connection in the hub's logs. */
  readonly session: string;
  /** Who the token says one is. */
  readonly uid: string;
  /** Everybody watched of whom something is known. */
  readonly presences: ReadonlyMap<string, Presence>;

  get(uid: string): Presence | undefined;

  /** Who is watched, and the cursor from which all of them can resume: for a fallback of one's own. */
  readonly wanted: { uids: string[]; since: string | null };

  /**
   * Calls back with the state of each uid: at once where one is held, then with each newer one.
   * Watches of the same uid share one subscription. Returns the function that ends this watch.
   */
  watch(uids: string | Iterable<string>, callback?: (presence: Presence) => void): () => void;

  /** Sets one's own presence on one device; rejects with a PresenceError. */
  set(presence: { resource: string; status: string | number; ext?: string }): Promise<void>;

  /** Renews the token on the open socket, or reconnects with it; without an argument the token function is asked. */
  renew(token?: PresenceClientOptions["token"]): Promise<void>;

  /** Connects now: after close(), after giving up, or instead of waiting out the back-off. */
  connect(): void;
  close(): void;

  addEventListener<K extends keyof PresenceClientEvents>(
    type: K,
    listener: (event: PresenceClientEvents[K]) => void,
    options?: boolean | AddEventListenerOptions,
  ): void;
  addEventListener(type: string, listener: EventListenerOrEventListenerObject | null, options?: boolean | AddEventListenerOptions): void;
  removeEventListener<K extends keyof PresenceClientEvents>(
    type: K,
    listener: (event: PresenceClientEvents[K]) => void,
    options?: boolean | EventListenerOptions,
  ): void;
  removeEventListener(type: string, listener: EventListenerOrEventListenerObject | null, options?: boolean | EventListenerOptions): void;
}

/** What set() and renew() reject with: code is the hub's, or not_connected, disconnected, timeout. */
export class PresenceError extends Error {
  readonly code: ErrorCode;
}

/** close code -> what it means and whether the client comes back by itself. */
export const CLOSE_CODES: Readonly<Record<number, { name: string; comeBack: boolean }>>;
