// The server's clock as a page knows it. Pure: the page's own clock comes in.

/** A distance that differs by so much is no delay: a clock was set, or the page slept. */
const JUMP_MS = 3_000;

/** The header Date has whole seconds. */
const DATE_MS = 1_000;

/** So late for so long is no hiccup. */
const LATE_FOR_MS = 2_000;

/** How much two clocks go apart, at most: corrections of a clock by the network among it. */
const DRIFT = 0.0005;

/**
 * Tells the server's time between frames. A frame that was on its way for long makes the distance too small, never too
 * large; so the largest holds, and what ticks doesn't jump with each frame's delay. It is not forgotten either: frames
 * that all come late are told from a clock that was set by the `Date` of the next answer only.
 */
export class ServerClock {
  #top = null;
  #topAt = 0;
  #late = 0;
  #lateSince = null;

  /** A frame that was made at `now` came at `own`. */
  heard(now, own) {
    const distance = now - own;
    if (this.#top === null || distance >= this.#distance(own)) this.#hold(distance, own);
    this.#late = this.#distance(own) - distance;
    this.#lateSince = this.#late > JUMP_MS ? (this.#lateSince ?? own) : null;
  }

  /**
   * An answer whose `Date` was `date`, or NaN, began at `own`; it was asked for at `sent`. It sets the clock back only by
   * more than all of its way took: what is held up between makes answers as late as frames.
   */
  opened(date, sent, own) {
    if (Number.isNaN(date)) return;
    const distance = date - own;
    if (this.#top !== null) {
      const ahead = distance - this.#distance(own);
      // What agrees so far is known better already.
      if (ahead <= JUMP_MS && ahead + DATE_MS + (own - sent) >= -JUMP_MS) return;
    }
    this.#hold(distance, own);
    this.#lateSince = null;
  }

  /** How late frames come, at `own`; 0 while they are in time. */
  late(own) {
    return this.#lateSince !== null && own - this.#lateSince >= LATE_FOR_MS ? this.#late : 0;
  }

  /** The server's time at `own`. */
  at(own) {
    return own + this.#distance(own);
  }

  #hold(distance, own) {
    this.#top = distance;
    this.#topAt = own;
  }

  #distance(own) {
    return (this.#top ?? 0) - (own - this.#topAt) * DRIFT;
  }
}
