// The wire: frames from the hub, checked field by field, and messages to it. Pure.

/**
 * What a WebSocket close code means. `comeBack` says whether the client reconnects by itself.
 * 4401 comes back once, and only where `token` is a function that can be asked for a new token.
 */
export const CLOSE_CODES = Object.freeze({
  1001: { name: "going away", comeBack: true },
  1006: { name: "connection lost", comeBack: true },
  1008: { name: "protocol error", comeBack: false },
  1009: { name: "too large", comeBack: false },
  1012: { name: "restarting", comeBack: true },
  1013: { name: "too slow", comeBack: true },
  4400: { name: "protocol error", comeBack: false },
  4401: { name: "token missing or expired", comeBack: false },
  4403: { name: "not allowed", comeBack: false },
  4429: { name: "over a limit", comeBack: true },
});

// Codes that nobody has agreed on: below 4000 they come from proxies and browsers, and pass.
export const closeRule = (code) => CLOSE_CODES[code] ?? { name: `closed with ${code}`, comeBack: code < 4000 };

const isObject = (v) => typeof v === "object" && v !== null && !Array.isArray(v);
const text = (v, otherwise = "") => (typeof v === "string" ? v : otherwise);
const count = (v, otherwise) => (Number.isFinite(v) && v > 0 ? v : otherwise);
const list = (v) => (Array.isArray(v) ? v : []);

/** The vendor folds case, so the hub does, and so must the names that are compared here. */
export const normalUid = (uid) => String(uid).toLowerCase();
const texts = (v) => list(v).filter((u) => typeof u === "string");
const uidList = (v) => texts(v).map(normalUid);

/** One presence as the hub sent it, checked and copied; null where it cannot be used. */
export function parsePresence(v) {
  if (!isObject(v) || !text(v.uid) || typeof v.online !== "boolean" || !Number.isFinite(v.observed_at)) return null;
  const status = {};
  for (const [device, s] of Object.entries(isObject(v.status) ? v.status : {})) {
    if (typeof s === "string" || typeof s === "number") status[device] = String(s);
  }
  return {
    uid: normalUid(v.uid),
    online: v.online,
    status: Object.freeze(status),
    ext: text(v.ext),
    last_time: count(v.last_time, 0),
    observed_at: v.observed_at,
  };
}

const parsePresences = (v) => list(v).map(parsePresence).filter(Boolean);

function parseFeed(v) {
  if (!isObject(v) || !["live", "degraded", "down"].includes(v.state)) return null;
  return { state: v.state, as_of: count(v.as_of, null), reason: text(v.reason), codes: texts(v.codes) };
}

const DEFAULT_LIMITS = { max_uids: 1000, max_message_bytes: 65536, max_messages_per_second: 20 };

function parseLimits(v) {
  const limits = {};
  for (const k in DEFAULT_LIMITS) limits[k] = Math.max(1, Math.floor(count(v?.[k], DEFAULT_LIMITS[k])));
  return Object.freeze(limits);
}

// type of frame -> its fields, checked; null where the frame is of no use.
const PARSERS = {
  welcome: (f) => ({
    session: text(f.session),
    uid: text(f.uid),
    heartbeat_ms: count(f.heartbeat_ms, 25_000),
    limits: parseLimits(f.limits),
    feed: parseFeed(f.feed),
  }),
  subscribed: (f) => ({
    cursor: text(f.cursor, null),
    presences: parsePresences(f.presences),
    pending: uidList(f.pending),
    denied: uidList(f.denied),
    complete: f.complete !== false,
  }),
  changes: (f) => ({ cursor: text(f.cursor, null), presences: parsePresences(f.presences) }),
  feed: parseFeed,
  ok: () => ({}),
  pong: () => ({}),
  error: (f) => ({ code: text(f.code, "unknown"), message: text(f.message) }),
  bye: (f) => ({ reason: text(f.reason), reconnect_after_ms: count(f.reconnect_after_ms, null) }),
};

/** A frame from the hub, checked field by field; null for what is not a frame or of unknown type. */
export function parseFrame(data) {
  let f;
  try {
    f = typeof data === "string" && JSON.parse(data);
  } catch {
    return null;
  }
  if (!isObject(f) || typeof f.type !== "string" || !Object.hasOwn(PARSERS, f.type)) return null;
  const fields = PARSERS[f.type](f);
  return fields && { type: f.type, id: text(f.id, null), ...fields };
}

/** The messages to the hub; `JSON.stringify` leaves out what is undefined. */
export const messages = Object.freeze({
  auth: (token, id) => ({ type: "auth", id, token }),
  subscribe: (id, uids, since) => ({ type: "subscribe", id, uids, since: since ?? undefined }),
  unsubscribe: (id, uids) => ({ type: "unsubscribe", id, uids }),
  set: (id, { resource, status, ext }) => ({ type: "set", id, resource, status, ext }),
  ping: (id) => ({ type: "ping", id }),
});

/** Splits uids so that no message names more than max_uids or grows beyond max_message_bytes. */
export function chunkUids(uids, limits, reservedBytes = 512) {
  const room = Math.max(1, limits.max_message_bytes - reservedBytes);
  const bytes = new TextEncoder();
  const chunks = [];
  let size = Infinity;
  for (const uid of uids) {
    const cost = bytes.encode(JSON.stringify(uid)).length + 1;
    if (size + cost > room || chunks.at(-1).length >= limits.max_uids) {
      chunks.push([]);
      size = 0;
    }
    chunks.at(-1).push(uid);
    size += cost;
  }
  return chunks;
}

/** What a JWT says of itself, unverified; {} for what is none. */
export function claimsOf(token) {
  try {
    return JSON.parse(atob(token.split(".")[1].replace(/-/g, "+").replace(/_/g, "/"))) ?? {};
  } catch {
    return {};
  }
}

/** For how many ms a token is good; null where it does not say. A clock that is wrong must not make it endless or dead. */
export function lifeOf(token, now) {
  const { exp, iat } = claimsOf(token);
  if (!(exp > 0)) return null;
  const whole = iat > 0 ? (exp - iat) * 1000 : null;
  const left = exp * 1000 - now;
  return left > 0 ? Math.min(left, whole ?? left) : whole;
}
