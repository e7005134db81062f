// Pages that follow one another on a screen across the room. Pure.

/** The page after `shown` (a view, or a queue's number as text) among `pages`; those of queues that are gone are skipped. */
export function following(pages, shown, hasQueue, step = 1) {
  const there = pages.filter((page) => page === "queues" || page === "agents" || hasQueue(Number(page)));
  if (there.length === 0) return "queues";
  const at = there.indexOf(shown);
  if (at < 0) return there[0];
  return there[(at + step + there.length) % there.length];
}

/** Where to scroll next so that all of a long page is seen; none at its end. */
export function nextScroll({ top, height, total }) {
  const last = total - height;
  if (top >= last - 2) return undefined;
  // A strip of what was seen stays, so that the eye keeps its place.
  return Math.min(top + Math.max(height * 0.9, 40), last);
}
