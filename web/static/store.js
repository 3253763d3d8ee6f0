// What the adapters stand on: a value that changes, with subscribe(listener) and get(). No dependencies.

const unknown = (uid) =>
  Object.freeze({
    uid, online: null, state: "unknown", status: Object.freeze({}), ext: "", last_time: 0, observed_at: 0,
    known: false, denied: false, stale: false,
  });

/**
 * The states of some users, as one value: of a uid its presence, of a list an object uid -> presence.
 * A new value is made only when something has changed, and listeners hear once a tick however much did.
 */
export function presenceStore(client, uids) {
  const one = typeof uids === "string";
  const names = one ? [uids] : [...new Set(uids)];
  const nobody = names.map(unknown);
  let held = [];
  let value;
  const get = () => {
    const now = names.map((uid, i) => client.get(uid) ?? nobody[i]);
    if (value === undefined || now.some((presence, i) => presence !== held[i])) {
      held = now;
      value = one ? now[0] : Object.freeze(Object.fromEntries(names.map((uid, i) => [uid, now[i]])));
    }
    return value;
  };
  const subscribe = (listener) => {
    let due = false;
    let off = client.watch(names, () => {
      if (!due) queueMicrotask(() => ((due = false), off && listener()));
      due = true;
    });
    return () => {
      off?.();
      off = null;
    };
  };
  return { get, subscribe };
}

/** The connection itself, as one value: {status, stale, feed}. */
export function connectionStore(client) {
  let value;
  const get = () => {
    const { status, stale, feed } = client;
    if (!value || value.status !== status || value.stale !== stale || value.feed !== feed) value = Object.freeze({ status, stale, feed });
    return value;
  };
  const subscribe = (listener) => {
    const types = ["status", "stale", "feed"];
    for (const type of types) client.addEventListener(type, listener);
    return () => types.forEach((type) => client.removeEventListener(type, listener));
  };
  return { get, subscribe };
}
