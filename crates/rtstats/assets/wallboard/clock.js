// The server's clock as a page knows it. Pure: the page's own clock comes in.

/** Frames whose distance is remembered: some minutes. */
const SAMPLES_MAX = 100;

/** A distance that differs by so much is no delay: a clock was set, or the page slept. */
const JUMP_MS = 3_000;

/**
 * Tells the server's time between frames. A frame that was on its way for long makes the distance too small, never too
 * large; so the largest of the last ones holds, and what ticks doesn't jump with each frame's delay.
 */
export class ServerClock {
  #distances = [];
  #distance = 0;

  /** A frame that was made at `now` came at `own`. */
  heard(now, own) {
    const distance = now - own;
    if (Math.abs(distance - this.#distance) > JUMP_MS) this.#distances = [];
    this.#distances.push(distance);
    if (this.#distances.length > SAMPLES_MAX) this.#distances.shift();
    this.#distance = Math.max(...this.#distances);
  }

  /** The server's time at `own`. */
  at(own) {
    return own + this.#distance;
  }
}
