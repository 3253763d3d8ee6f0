// Where to resume. Pure.

/**
 * From which cursor each uid may resume, so that none skips a change. Cursors are opaque and cannot
 * be compared, so the rules rest on order alone:
 *
 * - A `changes` cursor covers every uid whose subscribe was answered before it: they share `live`.
 * - A `subscribed` cursor covers only the uids it names. They keep it as their own until the next
 *   `changes`, or join `live` at once where `live` has not moved since they were asked for: then the
 *   answer is at least as new.
 * - A uid not answered on this connection keeps the cursor of the last one, whatever comes for others.
 */
export class Cursors {
  live = null;
  #following = new Set(); // uids that resume from live
  #own = new Map(); // uid -> its own cursor
  #joining = new Set(); // uids answered on this connection, to follow live from the next changes on

  since(uid) {
    return this.#following.has(uid) ? this.live : (this.#own.get(uid) ?? null);
  }

  /** The answer to a subscribe that was sent when `live` was `liveWhenAsked`. */
  answered(uids, cursor, liveWhenAsked) {
    if (cursor === null) return;
    if (this.live === null) this.live = liveWhenAsked = cursor;
    for (const uid of uids) {
      if (liveWhenAsked === this.live) this.#follow(uid);
      else {
        this.forget(uid);
        this.#own.set(uid, cursor);
        this.#joining.add(uid);
      }
    }
  }

  changes(cursor) {
    if (cursor === null) return;
    this.live = cursor;
    for (const uid of this.#joining) this.#follow(uid);
  }

  disconnected() {
    for (const uid of this.#following) this.#own.set(uid, this.live);
    this.#following.clear();
    this.#joining.clear();
    this.live = null;
  }

  forget(uid) {
    for (const held of [this.#following, this.#own, this.#joining]) held.delete(uid);
  }

  #follow(uid) {
    this.forget(uid);
    this.#following.add(uid);
  }
}
