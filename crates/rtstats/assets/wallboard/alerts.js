// Thresholds of queues: what is wrong with a queue now, and which alarm is new. Pure.

import { clock, elapsed } from "./format.js";

/** How bad it is. */
export const Level = Object.freeze({ calm: 0, watch: 1, alarm: 2 });

/** The thresholds of a queue: its own, null where it is to have none, and those of all queues where nothing is said. */
export function thresholdsOf(settings, queue) {
  return { ...settings.thresholds["*"], ...settings.thresholds[queue] };
}

/** How many kinds of limits any queue has. */
export function kindsOf(settings) {
  const limits = Object.values(settings.thresholds).flatMap(Object.entries).filter(([, limit]) => limit !== null);
  return new Set(limits.map(([kind]) => kind)).size;
}

/**
 * What there is to say of a queue: `level`, and `alarms` and `notes` with `kind` and `text`. A service level below the
 * target of the SLA is to be watched; what passes a threshold of the wallboard is an alarm.
 */
export function look(queue, thresholds, now) {
  const alarms = [];
  const notes = [];
  const waiting = queue["queue-size"];
  const { waiting: waitingMax = null, wait: waitMax = null, level: levelMin = null } = thresholds;
  if (waitingMax !== null && waiting > waitingMax) {
    alarms.push({ kind: "waiting", text: `${waiting} waiting, limit ${waitingMax}` });
  }
  const wait = elapsed(queue["longest-wait-since"], now) ?? 0;
  if (waitMax !== null && wait > waitMax) {
    alarms.push({ kind: "wait", text: `waits over ${clock(waitMax)}` });
  }
  const level = queue["thirty-min-sla-activity"];
  const target = queue["sla-percent"];
  if (level >= 0 && levelMin !== null && level < levelMin) {
    alarms.push({ kind: "level", text: `service level under ${levelMin} %` });
  } else if (isBelow(level, target)) {
    notes.push({ kind: "level", text: `service level under ${target} %` });
  }
  return { level: alarms.length > 0 ? Level.alarm : notes.length > 0 ? Level.watch : Level.calm, alarms, notes };
}

/** Whether a service level misses its target; there may be neither. */
export const isBelow = (level, target) => level >= 0 && target !== null && target !== undefined && level < target;

/** Remembers which alarms there are, so that each is told once as it begins. */
export class Alarms {
  #present = new Map();

  /** Takes the alarms of all queues as `[key, text]`; gives the texts of those that have just begun. */
  update(alarms) {
    const begun = alarms.filter(([key]) => !this.#present.has(key)).map(([, text]) => text);
    this.#present = new Map(alarms);
    return begun;
  }

  get count() {
    return this.#present.size;
  }
}
