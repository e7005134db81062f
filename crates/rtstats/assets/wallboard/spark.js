// Small pictures of the last hours: a filled curve for how many waited, a line with its target for the service level.

import { draw, mark } from "./dom.js";

const WIDTH = 240;
const HEIGHT = 48;

/** Steps of a small picture. */
export const STEPS = 96;

/** Path of the curve of what waited, closed at the ground; with gaps where nothing is known. Pure. */
export function areaPath(steps, most, width = WIDTH, height = HEIGHT) {
  const x = (place) => round((place * width) / steps.length);
  const y = (value) => round(height - (value / Math.max(most, 1)) * (height - 2));
  let path = "";
  steps.forEach((step, place) => {
    if (step === null) return;
    if (!steps[place - 1]) path += `M${x(place)} ${height}`;
    path += `V${y(step.waiting)}H${x(place + 1)}`;
    if (!steps[place + 1]) path += `V${height}Z`;
  });
  return path;
}

/** Path of the line of the service level, with gaps where there was none. Pure. */
export function linePath(steps, width = WIDTH, height = HEIGHT) {
  let path = "";
  let drawing = false;
  steps.forEach((step, place) => {
    const level = step?.level ?? -1;
    if (level < 0) drawing = false;
    else {
      const at = `${round(((place + 0.5) * width) / steps.length)} ${levelY(level, height)}`;
      path += drawing ? `L${at}` : `M${at}h0.01`;
      drawing = true;
    }
  });
  return path;
}

const round = (number) => Math.round(number * 100) / 100;
const levelY = (level, height) => round(height - 1 - (level / 100) * (height - 2));

/** A picture: `kind` is `waiting` or `level`. */
export function spark(kind) {
  const frame = { class: `spark ${kind}`, viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", role: "img" };
  if (kind === "waiting") return draw("svg", frame, draw("path", { class: "area" }));
  return draw("svg", frame, draw("path", { class: "target" }), draw("path", { class: "line" }));
}

/** Brings a picture up to its steps. */
export function redraw(svg, steps, target) {
  const words = describe(svg, steps);
  mark(svg, "aria-label", words);
  if (svg.classList.contains("waiting")) {
    const most = steps.reduce((most, step) => Math.max(most, step?.waiting ?? 0), 0);
    mark(svg.querySelector(".area"), "d", areaPath(steps, Math.max(most, 4)));
    return most;
  }
  mark(svg.querySelector(".line"), "d", linePath(steps));
  mark(svg.querySelector(".target"), "d", target === null ? "" : `M0 ${levelY(target, HEIGHT)}H${WIDTH}`);
  return null;
}

function describe(svg, steps) {
  const known = steps.filter((step) => step !== null);
  if (known.length === 0) return "Trend: nothing known yet";
  if (svg.classList.contains("waiting")) {
    return `Waiting in the last hours: at most ${Math.max(...known.map((step) => step.waiting))}`;
  }
  const levels = known.map((step) => step.level).filter((level) => level >= 0);
  if (levels.length === 0) return "Service level in the last hours: none";
  return `Service level in the last hours: ${Math.min(...levels)} to ${Math.max(...levels)} %`;
}
