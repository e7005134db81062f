// The page of all queues: cards where they are few, a table where they are many.

import { Level, isBelow, kindsOf } from "./alerts.js";
import { STATES } from "./columns.js";
import { draw, icon, make, mark, reshape, say, show } from "./dom.js";
import { average, clock, elapsed, percent } from "./format.js";
import { membersOf, totals } from "./rows.js";
import { STEPS, redraw, spark } from "./spark.js";

/** More queues than these are a table, unless it was chosen otherwise. */
export const CARDS_MAX = 12;

/** Fields of a queue that count its agents, with the state that they stand for, in the order of the bar. */
const COUNTS = [
  [0, "agent-count-waitTransact"],
  [2, "agent-count-busy"],
  [3, "agent-count-postProcess"],
  [4, "agent-count-onBreak"],
  [5, "agent-count-workOffline"],
  [9, "agent-count-loggedOut"],
];

/** A bar of agents by state with its legend. */
export class AgentsBar {
  constructor() {
    this.parts = COUNTS.map(([state]) => draw("rect", { class: `state${state}`, y: 0, height: 10 }));
    this.bar = draw("svg", { class: "agents-bar", viewBox: "0 0 1000 10", preserveAspectRatio: "none", "aria-hidden": "true" }, ...this.parts);
    this.chips = COUNTS.map(([state]) => {
      const number = make("b");
      const name = STATES.get(state);
      return { number, chip: make("li", { class: `chip state${state}`, title: name }, icon(`state${state}`), number, make("span", { class: "chip-name" }, name)) };
    });
    this.list = make("ul", { class: "chips", "aria-label": "Agents by state" }, this.chips.map(({ chip }) => chip));
  }

  /** Takes the counts in the order of the states. */
  update(counts) {
    // Who is logged out counts in the legend only: the bar is of those who are here.
    const here = counts.slice(0, -1).reduce((sum, count) => sum + count, 0);
    let x = 0;
    counts.forEach((count, place) => {
      const width = place === counts.length - 1 || here === 0 ? 0 : (1000 * count) / here;
      mark(this.parts[place], "x", Math.round(x * 10) / 10);
      // A line of the ground between the parts tells them apart without their colors.
      mark(this.parts[place], "width", Math.max(0, Math.round((width - (width > 8 ? 4 : 0)) * 10) / 10));
      x += width;
      say(this.chips[place].number, count);
      mark(this.chips[place].chip, "data-none", count === 0 ? "" : null);
    });
  }
}

/** Counts of a queue's agents, as the bar takes them. */
export const countsOf = (queue) => COUNTS.map(([, field]) => queue[field]);

/** A figure with its name; what it is of says `hint`. */
export function figure(name, kind, hint) {
  const value = make("dd", { class: "value" });
  const note = make("dd", { class: "note" });
  return { value, note, box: make("div", { class: `figure ${kind}`, title: hint }, make("dt", {}, name), value, note) };
}

/** The service level with its shape: met, missed or none. */
export class ServiceLevel {
  constructor() {
    const parts = figure("Service level, 30 min", "level", "Accepted in time, of those that entered in the last 30 minutes");
    this.box = parts.box;
    this.note = parts.note;
    this.shape = icon("none");
    this.text = make("span");
    parts.value.append(this.shape, this.text);
  }

  update(queue) {
    const level = queue["thirty-min-sla-activity"];
    const target = queue["sla-percent"];
    const below = isBelow(level, target);
    mark(this.box, "data-met", level < 0 ? "none" : below ? "below" : "good");
    reshape(this.shape, level < 0 ? "none" : below ? "below" : "good");
    say(this.text, percent(level));
    this.usual = this.shape.dataset.icon;
    const within = queue["sla-within-seconds"];
    say(this.note, target === null || target === undefined ? "no target" : `${below ? "below" : "target"} ${target} % in ${limit(within)}`);
  }
}

/** Marks the figures that a look finds alarming. */
export function markAlarms(look, { waiting, wait, level }) {
  const rings = (kind) => look.alarms.some((alarm) => alarm.kind === kind);
  mark(waiting.box, "data-alarm", rings("waiting") ? "" : null);
  mark(wait.box, "data-alarm", rings("wait") ? "" : null);
  mark(level.box, "data-alarm", rings("level") ? "" : null);
  reshape(level.shape, rings("level") ? "alarm" : (level.usual ?? "none"));
}

const limit = (seconds) => (seconds < 120 ? `${seconds} s` : seconds < 7200 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3600)} h`);

const isCounted = (name) => COUNTED.some(([counted]) => counted === name);

const PERIODS = [["Today", "day"], ["30 min", "thirty-min"]];
const COUNTED = [
  ["Queued", (queue, period) => queue[`${period}-queued`]],
  ["Accepted", (queue, period) => queue[`${period}-accepted`]],
  ["Abandoned", (queue, period) => queue[`${period}-abandoned`]],
  ["Ø wait", (queue, period) => average(queue[`${period}-avg-wait-time`], queue[`${period}-accepted`] + queue[`${period}-abandoned`])],
  ["Ø work", (queue, period) => average(queue[`${period}-avg-duration`], queue[`${period}-accepted`] - queue["number-in-progress"])],
];

/** Counts of the day and of the last half hour. */
export class Periods {
  constructor(caption) {
    this.cells = PERIODS.map(() => COUNTED.map(() => make("td")));
    const head = make("tr", {}, make("td"), COUNTED.map(([name]) => make("th", { scope: "col" }, name)));
    const rows = PERIODS.map(([name], place) => make("tr", {}, make("th", { scope: "row" }, name), this.cells[place]));
    this.table = make("table", { class: "periods" }, make("caption", { class: "unseen" }, caption), make("thead", {}, head), make("tbody", {}, rows));
  }

  update(queue) {
    PERIODS.forEach(([, period], row) => {
      COUNTED.forEach(([, value], column) => say(this.cells[row][column], value(queue, period)));
    });
  }
}

class Card {
  constructor(queue) {
    this.id = queue["queue-id"];
    this.shape = icon(queue["media-type"]);
    this.name = make("a", { class: "name", href: `#view=queue&queue=${this.id}`, "data-queue": this.id });
    this.alarm = make("p", { class: "alarm", hidden: true });
    this.waiting = figure("Waiting", "waiting", "Wait and are not offered yet");
    this.wait = figure("Longest wait", "wait", "How long the first of them has waited");
    this.level = new ServiceLevel();
    this.offered = make("b");
    this.progress = make("b");
    this.agents = new AgentsBar();
    this.periods = new Periods("Today and the last 30 minutes");
    this.sparks = [spark("waiting"), spark("level")];
    const titled = (name, svg) => make("figure", { class: "trend" }, svg, make("figcaption", {}, name));
    this.box = make("article", { class: "card" },
      make("header", {}, this.shape, make("h2", {}, this.name), make("span", { class: "id", title: "Number of the queue" }, `#${this.id}`)),
      this.alarm,
      make("dl", { class: "hero" }, this.waiting.box, this.wait.box, this.level.box),
      make("div", { class: "people" }, this.agents.bar, this.agents.list),
      make("p", { class: "now" }, make("span", {}, this.offered, " offered"), make("span", {}, this.progress, " in progress")),
      this.periods.table,
      make("div", { class: "trends" }, titled("Waiting, 8 h", this.sparks[0]), titled("Service level, 8 h", this.sparks[1])));
  }

  update(queue, seen) {
    reshape(this.shape, queue["media-type"]);
    say(this.name, queue["queue-name"] || `Queue ${this.id}`);
    mark(this.name, "title", queue["queue-name"]);
    say(this.waiting.value, queue["queue-size"]);
    this.level.update(queue);
    say(this.offered, queue["number-in-offered"]);
    say(this.progress, queue["number-in-progress"]);
    this.agents.update(countsOf(queue));
    this.periods.update(queue);
    this.tick(queue, seen);
  }

  tick(queue, { now, look }) {
    const wait = clock(elapsed(queue["longest-wait-since"], now)) || "–";
    say(this.wait.value, wait);
    // Hours need more room than the card has for minutes.
    mark(this.wait.box, "data-long", wait.length > 5 ? "" : null);
    markAlarms(look, this);
    tellAlarm(this.box, this.alarm, look);
  }

  trend(steps, queue) {
    this.sparks.forEach((svg) => redraw(svg, steps, queue["sla-percent"] ?? null));
  }
}

/** Marks a box with its level, and writes its alarms where there are any. */
export function tellAlarm(box, place, look) {
  mark(box, "data-level", look.level === Level.calm ? null : look.level);
  show(place, look.level === Level.alarm);
  if (look.level === Level.alarm) {
    if (!place.firstChild) place.append(icon("alarm"), make("span"));
    const text = look.alarms.map(({ text }) => text).join(" · ");
    say(place.lastChild, text);
    mark(place, "title", text);
  }
}

// Columns of the table; `rank` as for agents. Those of COUNTED have the day's figure above that of the last half hour.
const TABLE = [
  ["Queue", 1], ["Waiting", 1, true], ["Longest wait", 1, true], ["Service level", 1], ["Agents", 2], ["Offered", 3, true],
  ["In progress", 2, true], ...COUNTED.map(([name], place) => [name, place < 3 ? 2 : 3, true]),
  ["Waiting, 8 h", 4], ["Service level, 8 h", 4],
];
const PLACES = { agents: 4, offered: 5, progress: 6, counted: 7 };

class Line {
  constructor(queue) {
    this.id = queue["queue-id"];
    this.shape = icon(queue["media-type"]);
    this.name = make("a", { class: "name", href: `#view=queue&queue=${this.id}`, "data-queue": this.id });
    this.alarm = make("span", { class: "alarm", hidden: true });
    this.level = icon("none");
    this.levelText = make("span");
    this.target = make("span", { class: "note" });
    this.agents = new AgentsBar();
    this.sparks = [spark("waiting"), spark("level")];
    this.counted = COUNTED.map(() => [make("b"), make("span")]);
    this.cells = TABLE.map(([, rank, number], place) => make(place === 0 ? "th" : "td", { class: `rank${rank}${number ? " number" : ""}`, scope: place === 0 ? "row" : null }));
    this.cells[0].append(make("span", { class: "queue" }, this.shape, this.name, this.alarm));
    this.cells[3].append(make("span", { class: "level" }, this.level, this.levelText, this.target));
    this.cells[PLACES.agents].append(this.agents.bar, this.agents.list);
    this.counted.forEach(([day, half], place) => {
      this.cells[PLACES.counted + place].append(day, make("span", { class: "half" }, make("span", { class: "unseen" }, ", 30 min: "), half));
    });
    this.sparks.forEach((svg, place) => this.cells[PLACES.counted + COUNTED.length + place].append(svg));
    this.box = make("tr", {}, this.cells);
  }

  update(queue, seen) {
    const level = queue["thirty-min-sla-activity"];
    const target = queue["sla-percent"];
    const below = isBelow(level, target);
    reshape(this.shape, queue["media-type"]);
    say(this.name, queue["queue-name"] || `Queue ${this.id}`);
    say(this.cells[1], queue["queue-size"]);
    mark(this.cells[3], "data-met", level < 0 ? "none" : below ? "below" : "good");
    reshape(this.level, level < 0 ? "none" : below ? "below" : "good");
    say(this.levelText, percent(level));
    say(this.target, target === null || target === undefined ? "" : ` / ${target} %`);
    this.agents.update(countsOf(queue));
    say(this.cells[PLACES.offered], queue["number-in-offered"]);
    say(this.cells[PLACES.progress], queue["number-in-progress"]);
    this.counted.forEach((places, at) => {
      PERIODS.forEach(([, period], place) => say(places[place], COUNTED[at][1](queue, period)));
    });
    this.tick(queue, seen);
  }

  tick(queue, { now, look }) {
    say(this.cells[2], clock(elapsed(queue["longest-wait-since"], now)) || "–");
    for (const [kind, place] of [["waiting", 1], ["wait", 2], ["level", 3]]) {
      mark(this.cells[place], "data-alarm", look.alarms.some((alarm) => alarm.kind === kind) ? "" : null);
    }
    tellAlarm(this.box, this.alarm, look);
  }

  trend(steps, queue) {
    this.sparks.forEach((svg) => redraw(svg, steps, queue["sla-percent"] ?? null));
  }
}

/** The line of totals above the queues. */
class Totals {
  constructor() {
    this.figures = [["Waiting", "waiting"], ["Longest wait", "wait"], ["Offered", ""], ["In progress", ""]].map(([name, kind]) => figure(name, kind));
    this.agents = new AgentsBar();
    this.box = make("div", { class: "totals" }, make("dl", { class: "sums" }, this.figures.map(({ box }) => box)), make("div", { class: "people" }, this.agents.bar, this.agents.list));
  }

  update(sum, now) {
    const [waiting, wait, offered, progress] = this.figures;
    say(waiting.value, sum.waiting);
    say(wait.value, clock(elapsed(sum.since, now)) || "–");
    say(offered.value, sum.offered);
    say(progress.value, sum.progress);
    const of = (state) => sum.states.get(state) ?? 0;
    this.agents.update([of(0), of(1) + of(2), of(3), of(4), of(5), of(9)]);
  }
}

/** The page. `choose(settings)` is told what the viewer has chosen. */
export class QueuesView {
  #boxes = new Map();
  #kind = "";
  #section;
  #totals = new Totals();
  #none = make("p", { class: "opening", hidden: true }, "No queues are shown.");
  #grid = make("div", { class: "grid" });
  #body = make("tbody");
  #table;
  #all;

  constructor(section, choose) {
    this.#section = section;
    const head = TABLE.map(([name, rank, number]) => make("th", { scope: "col", class: `rank${rank}${number ? " number" : ""}` }, name, isCounted(name) ? make("span", { class: "half" }, "30 min") : null));
    const table = make("table", { class: "list queues-list" }, make("caption", { class: "unseen" }, "Queues"), make("thead", {}, make("tr", {}, head)), this.#body);
    this.#all = make("button", { type: "button", class: "all-columns", "aria-pressed": "false" }, "All columns");
    this.#all.addEventListener("click", () => choose({ columns: this.#all.getAttribute("aria-pressed") === "true" ? "fit" : "all" }));
    this.#totals.box.append(this.#all);
    this.#table = make("div", { class: "scroller", tabindex: 0, role: "region", "aria-label": "Table of queues" }, table);
    section.append(this.#totals.box, this.#none, this.#grid, this.#table);
  }

  /** Shows queues; `board` has `queues`, `agents`, `now`, `looks` by id and `settings`. */
  update(board, changed) {
    const { queues, settings } = board;
    const cards = settings.layout === "cards" || (settings.layout === "auto" && queues.length <= CARDS_MAX);
    const kind = cards ? "cards" : "table";
    const parent = cards ? this.#grid : this.#body;
    const fresh = [];
    if (kind !== this.#kind) {
      this.#kind = kind;
      this.#boxes.clear();
      this.#grid.replaceChildren();
      this.#body.replaceChildren();
      mark(this.#section, "data-layout", kind);
    }
    show(this.#grid, cards);
    show(this.#table, !cards);
    show(this.#all, !cards);
    mark(this.#all, "aria-pressed", String(settings.columns === "all"));
    mark(this.#table.firstChild, "data-columns", settings.columns);
    show(this.#none, queues.length === 0);
    const count = this.#boxes.size;
    const ids = new Set(queues.map((queue) => queue["queue-id"]));
    for (const [id, box] of this.#boxes) if (!ids.has(id)) this.#drop(id, box);
    queues.forEach((queue, place) => {
      const id = queue["queue-id"];
      let box = this.#boxes.get(id);
      if (!box) {
        box = cards ? new Card(queue) : new Line(queue);
        this.#boxes.set(id, box);
        fresh.push(id);
      }
      if (parent.children[place] !== box.box) parent.insertBefore(box.box, parent.children[place] ?? null);
      if (fresh.at(-1) === id || !changed || changed.has(id)) box.update(queue, { now: board.now, look: board.looks.get(id) });
    });
    this.#sum(board);
    // Asking for places makes the browser lay the page out: only where they may have changed.
    if (!changed || this.#boxes.size !== count || fresh.length > 0) this.#fit(queues.length, cards, kindsOf(settings));
    if (fresh.length > 0) this.trends(board);
  }

  /** Lets clocks go on. */
  tick(board) {
    for (const queue of board.queues) {
      const id = queue["queue-id"];
      this.#boxes.get(id)?.tick(queue, { now: board.now, look: board.looks.get(id) });
    }
    this.#sum(board);
  }

  /** Draws the last hours anew. */
  trends({ queues, trends, now }) {
    for (const queue of queues) {
      const id = queue["queue-id"];
      this.#boxes.get(id)?.trend(trends.steps(id, now, STEPS), queue);
    }
  }

  /** Totals are of the queues that are shown, and of their agents. */
  #sum({ queues, agents, settings, now }) {
    const members = settings.only.length > 0 ? membersOf(agents, queues) : agents;
    this.#totals.update(totals(queues, members), now);
  }

  #drop(id, box) {
    box.box.remove();
    this.#boxes.delete(id);
  }

  /** Makes cards as large as lets all be seen at once; where they would be too small, the page scrolls. */
  #fit(count, cards, kinds) {
    if (!cards || count === 0) return;
    const rem = parseFloat(getComputedStyle(document.documentElement).fontSize);
    const width = this.#grid.clientWidth / rem;
    const height = (globalThis.innerHeight - this.#grid.getBoundingClientRect().top - globalThis.scrollY) / rem - 1;
    const { columns, scale } = fit(count, width, height, kinds);
    this.#grid.style.setProperty("--columns", columns);
    this.#grid.style.setProperty("--scale", scale);
  }
}

const CARD = { width: 27, height: 23.4, gap: 1 };
/** What the line of an alarm adds to a card's height, by how many kinds of thresholds there are: two reasons may need two lines. */
const ALARM = [0, 2.4, 3.6];
const SCALE = { least: 0.82, most: 3.2 };

/**
 * Columns and size of `count` cards in a space, in units of the page's font. There is room for alarms where `kinds` of
 * thresholds are set, so that no card changes its size as one begins. Pure.
 */
export function fit(count, width, height, kinds = 0) {
  const cardHeight = CARD.height + ALARM[Math.min(kinds, ALARM.length - 1)];
  let best = { columns: 1, scale: 0 };
  for (let columns = 1; columns <= count; columns++) {
    const rows = Math.ceil(count / columns);
    const wide = (width - (columns - 1) * CARD.gap) / columns / CARD.width;
    const high = (height - (rows - 1) * CARD.gap) / rows / cardHeight;
    const scale = Math.min(wide, high);
    if (scale > best.scale) best = { columns, scale };
  }
  if (best.scale < SCALE.least) {
    // All at once would be too small to read: as many side by side as can be read.
    const columns = Math.max(1, Math.min(count, Math.floor((width + CARD.gap) / (CARD.width * SCALE.least + CARD.gap))));
    const wide = (width - (columns - 1) * CARD.gap) / columns / CARD.width;
    best = { columns, scale: Math.min(Math.max(wide, SCALE.least), 1.1) };
  }
  return { columns: best.columns, scale: Math.round(Math.min(best.scale, SCALE.most) * 1000) / 1000 };
}
