// Whether what is shown may be believed, and what to say and to do if not. Pure.

import { ago, duration, timeOfDay } from "./format.js";
import { Link } from "./stream.js";

/** Without a frame for so long, the connection or the server is gone. */
export const STALE_MS = 5_000;

/** Severity of what is wrong: figures that are old are dimmed; a silent source is told of. */
export const Grade = Object.freeze({ waiting: "waiting", live: "live", doubtful: "doubtful", dead: "dead" });

const dead = (cause, title, text, action) => ({ grade: Grade.dead, cause, title, text, action });

/**
 * Judges a page: `head` is the last frame's (none before the first), `age` how long ago it came, `now` the server's
 * time, `link` and `reason` the connection's, `retryMs` until it is tried again, `silentMax` how long this contact
 * centre is ever without an event (0: no matter), `late` how long frames are on their way, `zone` that of times in words.
 * Times in milliseconds.
 */
export function judge({ head, age, now, link, reason, retryMs, silentMax, late = 0, zone = "" }) {
  const retry = retryMs > 0 ? ` Trying again in ${Math.ceil(retryMs / 1000)} s.` : " Trying again now.";
  if (link === Link.refused) return refused(reason);
  if (link === Link.busy && (!head || age > STALE_MS)) return busy(reason, retry);
  if (!head) {
    if (link !== Link.lost) return { grade: Grade.waiting, cause: "waiting", title: "Connecting", text: "", action: "" };
    return dead("lost", "No connection", `The server can't be reached.${retry}`, "retry");
  }
  if (age > STALE_MS) return silentLink(link, reason, retry);
  if (head.state === "recovering") {
    return dead("recovering", "Server is starting", "It reads its log; the figures stand still until that is done.", "");
  }
  if (head.state === "broken") {
    return dead("broken", "Figures have stopped", "The server can't go on with this tenant. Tell whoever operates it.", "");
  }
  if (late > STALE_MS) {
    return dead("late", "Figures come late", `What the server sends takes ${duration(late)} to get here. Something on the way holds it up.`, "retry");
  }
  if (head.instant === null || head.now - head.instant > STALE_MS) {
    return dead("behind", "Figures stand still", "The server is connected but doesn't keep up.", "");
  }
  return cutOff(head, now, zone) ?? source(head, now, silentMax, zone);
}

function refused(reason) {
  const why = reason === "revoked"
    ? "What this screen was signed in with was revoked or replaced."
    : reason === 401 ? "This screen is not signed in any more." : "This screen may not see these figures.";
  return dead("refused", "Signed out", `${why} Sign in again, or open a new link.`, "sign-in");
}

function busy(reason, retry) {
  const why = { 429: "Too many screens are open or too many requests were made.", 503: "The server is starting or overloaded." };
  return dead("busy", "Server refuses", `${why[reason] ?? `The server answers ${reason}.`}${retry}`, "retry");
}

function silentLink(link, reason, retry) {
  if (link === Link.open || link === Link.opening) {
    return dead("stalled", "No answer", "The connection is open but nothing comes. Network or server stand still.", "retry");
  }
  const why = reason === "stop" ? "The server was stopped." : "The server can't be reached.";
  return dead("lost", "Connection lost", `${why}${retry}`, "retry");
}

const doubtful = (cause, title, text) => ({ grade: Grade.doubtful, cause, title, text, action: "" });

/** Connections of the server that are down, and since when; one that comes back at once is not told of. */
function cutOff({ connectors = [], sources = [] }, now, zone) {
  const since = (connector) => connector["down-since"];
  const down = connectors.filter((it) => since(it) !== null && now - since(it) > STALE_MS);
  if (down.length === 0) return null;
  const stopped = down.every(({ state }) => state === "stopped");
  const told = down.map((it) => `${it.connector} since ${moment(since(it), now, zone)}`).join(", ");
  const title = `${down.length > 1 ? "Connections" : "Connection"} ${stopped ? "stopped" : "cut"}`;
  const first = Math.min(...down.map(since));
  const others = sources.some((it) => it["last-event"] > Math.max(...down.map(since)) + STALE_MS);
  if (down.length === connectors.length && !others) {
    // Nobody else tells anything: all figures stand as they were then, and their clocks must not go on.
    return { ...dead("cut", title, `Nothing from ${told}. The figures are of before that.`, ""), instant: first };
  }
  return doubtful("cut", title, `Nothing from ${told}. What has happened there is missing here.`);
}

const moment = (instant, now, zone) => `${timeOfDay(instant, zone)} (${duration(now - instant)})`;

function source(head, now, silentMax, zone) {
  // What people change in the browser is no event of the contact centre: the head's sources leave it out.
  const { sources = [] } = head;
  const last = sources.length > 0 ? Math.max(...sources.map((it) => it["last-event"])) : head.lastEvent;
  const silent = last === null ? null : now - last;
  if (silentMax > 0 && silent !== null && silent > silentMax) {
    return doubtful("silent", "Source is silent", `No event came for ${duration(silent)}. Phone system or connector may be down.`);
  }
  const quiet = sources.filter((it) => silentMax > 0 && it.steady && now - it["last-event"] > silentMax);
  if (quiet.length > 0) {
    const told = quiet.map((it) => `${it.source ?? "without a name"} since ${moment(it["last-event"], now, zone)}`).join(", ");
    return doubtful("silent", "A source is silent", `No event came from ${told}. Others go on.`);
  }
  const text = silent === null ? "No event yet" : `Last event ${ago(silent)}`;
  return { grade: Grade.live, cause: "live", title: "Live", text, action: "" };
}
