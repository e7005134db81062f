// The last hours of each queue, minute by minute. Pure but for the loading.

const MINUTE_MS = 60_000;

/** Hours that are shown. */
export const HOURS = 8;

/** A point holds for so long, the server says at least so often how things are: after that nobody measured. */
const HOLD_MS = 11 * MINUTE_MS;

/** Points by queue. */
export class Trends {
  /** Ends of minutes, rising; for each the queues' numbers by queue. */
  points = [];

  /** Replaces all by a document of the server. */
  replace(document) {
    const before = this.points;
    this.points = [];
    for (const point of document.points ?? []) this.add(point);
    // What came while the document was on its way is not in it.
    const last = this.points.at(-1)?.time ?? -Infinity;
    this.points.push(...before.filter(({ time }) => time > last));
  }

  /** Adds a point that has just come. */
  add({ time, queues }) {
    const last = this.points.at(-1);
    if (last && time <= last.time) return;
    const values = new Map(queues.map(([id, waiting, level]) => [id, { waiting, level }]));
    this.points.push({ time, values });
    const oldest = time - HOURS * 60 * MINUTE_MS;
    while (this.points[0].time < oldest) this.points.shift();
  }

  /**
   * One queue as `count` steps that end at `now`: the most who waited in each step, and the last service level (−1 for
   * none). A minute without a point is as the one before, until nobody measured: there is none, as before the first point.
   */
  steps(queue, now, count) {
    const span = (HOURS * 60 * MINUTE_MS) / count;
    const begin = now - HOURS * 60 * MINUTE_MS;
    const steps = new Array(count).fill(null);
    let place = 0;
    let held = null;
    let until = -Infinity;
    for (let step = 0; step < count; step++) {
      const end = begin + (step + 1) * span;
      if (until < end - span) held = null;
      let most = held === null ? -1 : held.waiting;
      for (; place < this.points.length && this.points[place].time <= end; place++) {
        held = this.points[place].values.get(queue) ?? { waiting: 0, level: -1 };
        until = this.points[place].time + HOLD_MS;
        most = Math.max(most, held.waiting);
      }
      if (held) steps[step] = { waiting: most, level: held.level };
    }
    return steps;
  }
}

/** Loads what the server has kept; gives whether it could. */
export async function load(trends, url) {
  try {
    const answer = await fetch(`${url}&hours=${HOURS}`, { cache: "no-store", credentials: "same-origin" });
    if (!answer.ok) return false;
    trends.replace(await answer.json());
    return true;
  } catch {
    return false;
  }
}
