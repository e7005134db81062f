// Figures as people read them. Pure.

const two = (number) => String(number).padStart(2, "0");

/** Seconds as a clock: 0:07, 12:34, 1:02:03. Empty for none. */
export function clock(seconds) {
  if (seconds === null || seconds === undefined || seconds < 0) return "";
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor(seconds / 60) % 60;
  const rest = `${two(Math.floor(seconds) % 60)}`;
  return hours > 0 ? `${hours}:${two(minutes)}:${rest}` : `${minutes}:${rest}`;
}

/** Whole seconds from `since` to `now`, none where there is no since. */
export function elapsed(since, now) {
  return since === null || since === undefined ? null : Math.max(0, Math.floor((now - since) / 1000));
}

/** Milliseconds in words: 8 s, 12 min, 3 h. */
export function duration(ms) {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  if (seconds < 90) return `${seconds} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172_800) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86_400)} days`;
}

/** How long ago, in words; what is less than 2 s ago is now. */
export const ago = (ms) => (ms < 2_000 ? "just now" : `${duration(ms)} ago`);

/** A percentage, a dash for none (−1). */
export const percent = (value) => (value < 0 ? "–" : `${value}\u202f%`);

/** A time span of an average over what has ended: a dash where nothing has. */
export const average = (seconds, ended) => (seconds === 0 && !(ended > 0) ? "–" : clock(seconds));

const zones = new Map();

/** Time of day of an instant in a zone; in the browser's where the browser does not know it, which the second value tells. */
export function timeOfDay(instant, zone, withSeconds = true) {
  const key = `${zone}/${withSeconds}`;
  if (!zones.has(key)) zones.set(key, zoned(zone, withSeconds));
  return zones.get(key).format(instant);
}

function zoned(zone, withSeconds) {
  const options = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
  if (withSeconds) options.second = "2-digit";
  try {
    return new Intl.DateTimeFormat("en-GB", { ...options, timeZone: zone || undefined });
  } catch {
    return new Intl.DateTimeFormat("en-GB", options);
  }
}

/** A number of things. */
export const count = (number, one, many = `${one}s`) => `${number} ${number === 1 ? one : many}`;
