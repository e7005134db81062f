// Two short tones where an alarm begins. Browsers let a page sound only after somebody has touched it.

const TONES = [[880, 0], [660, 0.18]];
const LENGTH_SECONDS = 0.15;
const PAUSE_MS = 5_000;

/** The page's loudspeaker. */
export class Sound {
  #context;
  #last = -PAUSE_MS;

  /** Whether a tone would be heard. */
  get ready() {
    return this.#context?.state === "running";
  }

  /** To be called when somebody touches the page. */
  async unlock() {
    try {
      this.#context ??= new AudioContext();
      await this.#context.resume();
    } catch {
      // A browser without sound stays silent; the alarm is seen.
    }
  }

  /** Sounds, unless it has just done so; gives whether it did. */
  alarm() {
    const now = performance.now();
    if (!this.ready || now - this.#last < PAUSE_MS) return false;
    this.#last = now;
    for (const [hertz, delay] of TONES) this.#tone(hertz, this.#context.currentTime + delay);
    return true;
  }

  #tone(hertz, at) {
    const tone = this.#context.createOscillator();
    const gain = this.#context.createGain();
    tone.frequency.value = hertz;
    // Ramps, because a tone that is cut clicks.
    gain.gain.setValueAtTime(0, at);
    gain.gain.linearRampToValueAtTime(0.25, at + 0.02);
    gain.gain.linearRampToValueAtTime(0, at + LENGTH_SECONDS);
    tone.connect(gain).connect(this.#context.destination);
    tone.start(at);
    tone.stop(at + LENGTH_SECONDS + 0.02);
  }
}
