// Pacing: how fast to talk, and how soon to come back.

export const BACKOFF_CAP_MS = 30_000;
const BACKOFF_BASE_MS = 1000;

/** Full jitter: anything from nothing to twice as much as the last time, at most 30 s. */
export const backoffMs = (attempt, random) => random() * Math.min(BACKOFF_CAP_MS, BACKOFF_BASE_MS * 2 ** Math.min(attempt, 16));

/** Sends in order and stays under the hub's messages per second, with a fifth to spare for jitter on the way. */
export class Outbox {
  perSecond = 1;
  #queue = []; // [message, onSent]
  #sentAt = []; // when the latest messages went, at most one window of them
  #timer = null;

  constructor(clock, transmit) {
    this.clock = clock;
    this.transmit = transmit;
  }

  push(message, onSent) {
    this.#queue.push([message, onSent]);
    if (this.#timer === null) this.#drain();
  }

  clear() {
    this.clock.clearTimeout(this.#timer);
    this.#timer = null;
    this.#queue = [];
    this.#sentAt = [];
  }

  #drain() {
    this.#timer = null;
    const room = Math.max(1, Math.floor(this.perSecond * 0.8));
    while (this.#queue.length > 0) {
      const now = this.clock.now();
      this.#sentAt = this.#sentAt.filter((at) => now - at < 1000);
      if (this.#sentAt.length >= room) {
        this.#timer = this.clock.setTimeout(() => this.#drain(), Math.max(1, 1000 - (now - this.#sentAt[0])));
        return;
      }
      const [message, onSent] = this.#queue.shift();
      this.#sentAt.push(now);
      onSent?.();
      this.transmit(JSON.stringify(message));
    }
  }
}
