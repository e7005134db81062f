// The page of one queue: its figures as large as the screen lets them be, its last hours, and its agents.

import { options } from "./agents.js";
import { STATES, compare } from "./columns.js";
import { draw, icon, make, mark, reshape, say, show } from "./dom.js";
import { clock, elapsed, timeOfDay } from "./format.js";
import { AgentsBar, Periods, ServiceLevel, countsOf, figure, markAlarms, tellAlarm } from "./queues.js";
import { isOf } from "./rows.js";
import { redraw, spark } from "./spark.js";
import { HOURS } from "./trends.js";

const STEPS = 240;

/** Agents that are listed; of the others the count is told. */
const AGENTS_MAX = 60;

/** Most interesting first: who is ringing, free, at work, away. */
const ORDER = [1, 0, 2, 3, 4, 5, 9];

/** The page. `choose(settings)` is told what the viewer has chosen. */
export class SingleView {
  #parts = {};
  #agents = [];

  constructor(section, choose) {
    const picker = make("select", { id: "queue-picker" });
    picker.addEventListener("change", () => choose({ queue: Number(picker.value) }));
    const step = (name, shape, by) => {
      const button = make("button", { type: "button", title: name, "aria-label": name }, icon(shape));
      button.addEventListener("click", () => {
        const values = [...picker.options].map(({ value }) => Number(value));
        const at = values.indexOf(Number(picker.value));
        choose({ queue: values[(at + by + values.length) % values.length] });
      });
      return button;
    };
    const shape = icon("phone");
    const name = make("h2");
    const alarm = make("p", { class: "alarm", hidden: true });
    const waiting = figure("Waiting", "waiting");
    const wait = figure("Longest wait", "wait");
    const level = new ServiceLevel();
    const offered = figure("Offered", "");
    const progress = figure("In progress", "");
    const bar = new AgentsBar();
    const periods = new Periods("Today and the last 30 minutes");
    const charts = [chart("waiting", "Waiting"), chart("level", "Service level")];
    const list = make("ul", { class: "queue-agents" });
    const rest = make("p", { class: "note" });
    const people = make("section", { class: "who", "aria-label": "Agents of the queue" }, make("h3", {}, "Agents"), bar.bar, bar.list, list, rest);
    const box = make("div", { class: "single" },
      make("header", {}, shape, name, make("div", { class: "pick" }, step("Queue before", "prior", -1), make("label", { class: "unseen", for: "queue-picker" }, "Queue to show"), picker, step("Next queue", "next", 1))),
      alarm,
      make("dl", { class: "hero" }, waiting.box, wait.box, level.box, offered.box, progress.box),
      make("div", { class: "charts" }, charts.map(({ box }) => box)),
      periods.table, people);
    const none = make("p", { class: "opening", hidden: true }, "There is no such queue.");
    section.append(none, box);
    this.#parts = { picker, shape, name, alarm, waiting, wait, level, offered, progress, bar, periods, charts, list, rest, box, none };
  }

  update(board, changed) {
    const { queue } = board;
    const parts = this.#parts;
    show(parts.box, queue !== undefined);
    show(parts.none, queue === undefined);
    options(parts.picker, board.queues.map((row) => [String(row["queue-id"]), row["queue-name"] || `Queue ${row["queue-id"]}`]), String(queue?.["queue-id"] ?? ""));
    if (!queue) return;
    reshape(parts.shape, queue["media-type"]);
    say(parts.name, queue["queue-name"] || `Queue ${queue["queue-id"]}`);
    say(parts.waiting.value, queue["queue-size"]);
    parts.level.update(queue);
    say(parts.offered.value, queue["number-in-offered"]);
    say(parts.progress.value, queue["number-in-progress"]);
    parts.bar.update(countsOf(queue));
    parts.periods.update(queue);
    this.#agents = agentsOf(board.rows.agents, queue["queue-id"]);
    this.tick(board);
    if (!changed || changed.full || this.drawn !== queue["queue-id"]) this.trends(board);
  }

  tick(board) {
    const { queue, looks, now } = board;
    if (!queue) return;
    const parts = this.#parts;
    const look = looks.get(queue["queue-id"]);
    say(parts.wait.value, clock(elapsed(queue["longest-wait-since"], now)) || "–");
    if (!look) return;
    markAlarms(look, parts);
    tellAlarm(parts.box, parts.alarm, look);
    this.#list(board);
  }

  trends({ queue, trends, now, zone }) {
    if (!queue) return;
    this.drawn = queue["queue-id"];
    const steps = trends.steps(this.drawn, now, STEPS);
    for (const { svg, most, hours } of this.#parts.charts) {
      const top = redraw(svg, steps, queue["sla-percent"] ?? null);
      say(most, top === null ? "100 %" : `${Math.max(top, 4)}`);
      hours.forEach((label, place) => say(label, timeOfDay(now - (HOURS - place * 2) * 3_600_000, zone, false)));
    }
  }

  #list({ rows, now }) {
    const { list, rest } = this.#parts;
    const shown = this.#agents.slice(0, AGENTS_MAX);
    while (list.children.length > shown.length) list.lastChild.remove();
    while (list.children.length < shown.length) {
      list.append(make("li", {}, icon("state9"), make("span", { class: "agent-name" }), make("span", { class: "note" }), make("span", { class: "time" })));
    }
    shown.forEach((agent, place) => {
      const item = list.children[place];
      const [shape, name, state, time] = item.children;
      const status = agent["agent-status"];
      mark(item, "class", `state${status}`);
      reshape(shape, `state${status}`);
      say(name, agent["agent-name"] || agent["agent-id"]);
      say(state, rows.code(agent) || STATES.get(status) || "");
      say(time, clock(elapsed(agent["status-since"], now)));
    });
    const more = this.#agents.length - shown.length;
    say(rest, more > 0 ? `and ${more} more` : this.#agents.length === 0 ? "No agent is enabled for this queue." : "");
  }
}

/** Agents who are enabled for a queue, the most interesting first, the longest in its state before others. Pure. */
export function agentsOf(agents, queue) {
  const own = [...agents.values()].filter((agent) => isOf(agent, queue, true));
  const rank = (agent) => ORDER.indexOf(agent["agent-status"]);
  return own.sort((left, right) => rank(left) - rank(right)
    || compare(left["status-since"] ?? 0, right["status-since"] ?? 0, left["agent-id"], right["agent-id"], false));
}

function chart(kind, name) {
  const svg = spark(kind);
  svg.append(draw("path", { class: "rules", d: "M60 0V48M120 0V48M180 0V48" }));
  const most = make("span", { class: "most" });
  const hours = [0, 1, 2, 3, 4].map(() => make("span"));
  const axis = make("div", { class: "axis", "aria-hidden": "true" }, hours);
  return { svg, most, hours, box: make("figure", { class: `chart ${kind}` }, make("figcaption", {}, name), most, svg, axis) };
}
