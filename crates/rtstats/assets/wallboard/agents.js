// The page of agents: chips of states, filters, and a table of which only the rows in sight are made.

import { COLUMNS, STATES, compare, passes } from "./columns.js";
import { icon, make, mark, reshape, say, show } from "./dom.js";
import { count } from "./format.js";

/** Rows beyond the edges of what is in sight. */
const SPARE = 6;

/** The page. `choose(settings)` is told what the viewer has chosen. */
export class AgentsView {
  #choose;
  #settings = {};
  #keys = new Map();
  #order = [];
  #stale = true;
  #board;
  #lines = [];
  #printing = false;
  #chips = new Map();
  #parts = {};

  constructor(section, choose) {
    this.#choose = choose;
    section.append(this.#makeChips(), this.#makeFilters(), this.#makeTable());
    this.#parts.scroller.addEventListener("scroll", () => requestAnimationFrame(() => this.#draw()), { passive: true });
    new ResizeObserver(() => this.#draw()).observe(this.#parts.scroller);
    addEventListener("beforeprint", () => this.#print(true));
    addEventListener("afterprint", () => this.#print(false));
  }

  /** The search, to be reached by a key. */
  get search() {
    return this.#parts.search;
  }

  /** What scrolls. */
  get scroller() {
    return this.#parts.scroller;
  }

  /** Shows agents; `board` has `rows`, `agents`, `queues`, `now`, `zone`, `told` and `settings`. */
  update(board, changed) {
    this.#board = board;
    const { rows, settings } = board;
    if (settings !== this.#settings || !changed || changed.full || changed.names) {
      this.#settings = settings;
      this.#keys.clear();
      this.#stale = true;
      this.#showSettings(board);
    }
    if (this.#stale) {
      for (const [id, agent] of rows.agents) this.#weigh(id, agent, rows);
    } else {
      for (const id of changed.agents) this.#weigh(id, rows.agents.get(id), rows);
    }
    if (this.#stale) this.#sort();
    this.#countStates(board);
    this.#draw();
  }

  /** Lets clocks go on. */
  tick(board) {
    this.#board = board;
    this.#draw();
  }

  #weigh(id, agent, rows) {
    const known = this.#keys.get(id);
    if (!agent) {
      if (known) this.#stale = true;
      this.#keys.delete(id);
      return;
    }
    const shown = passes(agent, rows, this.#settings);
    const value = this.#column().value(agent, rows);
    if (known && known.shown === shown && known.value === value) return;
    if (!known || known.shown || shown) this.#stale = true;
    this.#keys.set(id, { shown, value });
  }

  #sort() {
    const { descending } = this.#settings;
    const shown = [...this.#keys].filter(([, key]) => key.shown);
    shown.sort(([leftId, left], [rightId, right]) => compare(left.value, right.value, leftId, rightId, descending));
    this.#order = shown.map(([id]) => id);
    this.#stale = false;
    const { rows } = this.#board;
    say(this.#parts.count, this.#order.length === rows.agents.size
      ? count(rows.agents.size, "agent") : `${this.#order.length} of ${count(rows.agents.size, "agent")}`);
    show(this.#parts.none, this.#order.length === 0);
    mark(this.#parts.table, "aria-rowcount", this.#order.length + 1);
  }

  #column() {
    return COLUMNS.find(({ key }) => key === this.#settings.sort) ?? COLUMNS[0];
  }

  // Drawing

  #draw() {
    if (!this.#board || this.#parts.scroller.clientHeight === 0) return;
    const { scroller, above, below, body } = this.#parts;
    const height = this.#rowHeight();
    const all = this.#order.length;
    let first = Math.max(0, Math.floor(scroller.scrollTop / height) - SPARE);
    let last = Math.min(all, Math.ceil((scroller.scrollTop + scroller.clientHeight) / height) + SPARE);
    if (this.#printing) [first, last] = [0, all];
    first = Math.min(first, last);
    while (this.#lines.length < last - first) {
      const line = new Line();
      this.#lines.push(line);
      body.append(line.row);
    }
    while (this.#lines.length > last - first) this.#lines.pop().row.remove();
    for (let place = first; place < last; place++) {
      // Each place keeps its element while the page is scrolled by less than a screen.
      const line = this.#lines[place - first];
      line.update(this.#board.rows.agents.get(this.#order[place]), place, this.#board);
    }
    above.style.height = `${first * height}px`;
    below.style.height = `${(all - last) * height}px`;
  }

  #rowHeight() {
    const { table } = this.#parts;
    const rem = parseFloat(getComputedStyle(table).getPropertyValue("--row")) || 2.4;
    return Math.round(rem * parseFloat(getComputedStyle(document.documentElement).fontSize));
  }

  #print(printing) {
    this.#printing = printing;
    this.#draw();
  }

  // Making

  #makeChips() {
    const chip = (value, name, shape) => {
      const number = make("b");
      const button = make("button", { type: "button", class: `chip state${value}`, "aria-pressed": "false" }, shape ? icon(shape) : null, number, make("span", {}, name));
      button.addEventListener("click", () => this.#choose({ state: this.#settings.state === value ? "" : value }));
      this.#chips.set(value, { number, button });
      return button;
    };
    const buttons = [chip("in", "Logged in"), ...[...STATES].map(([state, name]) => chip(String(state), name, `state${state}`))];
    return make("div", { class: "chips states", role: "group", "aria-label": "Show agents in a state" }, buttons);
  }

  #makeFilters() {
    const search = make("input", { type: "search", id: "agent-search", placeholder: "Name, code, group", autocomplete: "off", spellcheck: "false" });
    search.addEventListener("input", () => this.#choose({ search: search.value.trim() }));
    const queue = make("select", { id: "agent-queue" });
    queue.addEventListener("change", () => this.#choose({ inQueue: Number(queue.value) }));
    const group = make("select", { id: "agent-group" });
    group.addEventListener("change", () => this.#choose({ group: group.value }));
    const all = make("button", { type: "button", class: "all-columns", "aria-pressed": "false" }, "All columns");
    all.addEventListener("click", () => this.#choose({ columns: this.#settings.columns === "all" ? "fit" : "all" }));
    const clear = make("button", { type: "button", hidden: true }, "Clear filters");
    clear.addEventListener("click", () => this.#choose({ search: "", inQueue: 0, group: "", state: "" }));
    const number = make("span", { class: "count", role: "status" });
    Object.assign(this.#parts, { search, queue, group, all, clear, count: number });
    const field = (label, control) => make("div", { class: "field" }, make("label", { for: control.id }, label), control);
    return make("div", { class: "filters", role: "search", "aria-label": "Agents" },
      field("Search", search), field("Queue", queue), field("Group", group), clear, all, number);
  }

  #makeTable() {
    const heads = COLUMNS.map((column) => {
      const button = make("button", { type: "button", title: column.hint }, column.title);
      button.addEventListener("click", () => this.#choose({ sort: column.key, descending: this.#settings.sort === column.key && !this.#settings.descending }));
      const head = make("th", { scope: "col", class: `rank${column.rank} c-${column.key}${column.number ? " number" : ""}` }, button);
      head.style.setProperty("--width", column.width);
      return head;
    });
    const filler = () => make("tr", { class: "filler", "aria-hidden": "true" }, make("td"));
    const [above, below] = [filler(), filler()];
    const body = make("tbody");
    const table = make("table", { class: "list agents-list" }, make("caption", { class: "unseen" }, "Agents"),
      make("thead", {}, make("tr", { "aria-rowindex": 1 }, heads)), make("tbody", { class: "edge" }, above), body, make("tbody", { class: "edge" }, below));
    table.style.setProperty("--all", COLUMNS.reduce((sum, { width }) => sum + width, 0));
    const none = make("p", { class: "opening", hidden: true }, "No agent passes the filters.");
    const scroller = make("div", { class: "scroller", tabindex: 0, role: "region", "aria-label": "Table of agents" }, table, none);
    Object.assign(this.#parts, { heads, above: above.firstChild, below: below.firstChild, body, table, none, scroller });
    return scroller;
  }

  #showSettings({ settings, rows }) {
    const { search, queue, group, all, clear, heads, table } = this.#parts;
    if (document.activeElement !== search && search.value !== settings.search) search.value = settings.search;
    options(queue, [["0", "All queues"], ...[...rows.queues.values()].map((row) => [String(row["queue-id"]), row["queue-name"] || `Queue ${row["queue-id"]}`])], String(settings.inQueue));
    const groups = Object.entries(rows.names.groups).sort(([, left], [, right]) => left.localeCompare(right));
    options(group, [["", "All groups"], ...groups, ["0", "No group"]], settings.group);
    mark(all, "aria-pressed", String(settings.columns === "all"));
    mark(table, "data-columns", settings.columns);
    show(clear, settings.search !== "" || settings.inQueue !== 0 || settings.group !== "" || settings.state !== "");
    COLUMNS.forEach(({ key }, place) => {
      mark(heads[place], "aria-sort", key !== settings.sort ? null : settings.descending ? "descending" : "ascending");
    });
    for (const [value, { button }] of this.#chips) mark(button, "aria-pressed", String(settings.state === value));
  }

  #countStates({ rows, settings }) {
    const counts = new Map([...this.#chips.keys()].map((state) => [state, 0]));
    const anyState = { ...settings, state: "" };
    const filtered = anyState.search !== "" || anyState.inQueue !== 0 || anyState.group !== "";
    for (const agent of rows.agents.values()) {
      if (filtered && !passes(agent, rows, anyState)) continue;
      const state = String(agent["agent-status"]);
      counts.set(state, (counts.get(state) ?? 0) + 1);
      if (state !== "9") counts.set("in", counts.get("in") + 1);
    }
    for (const [state, { number }] of this.#chips) say(number, counts.get(state));
  }
}

/** Fills a list of choices, unless it has them. */
export function options(select, choices, chosen) {
  const key = JSON.stringify(choices);
  if (select.dataset.key !== key) {
    select.dataset.key = key;
    select.replaceChildren(...choices.map(([value, name]) => make("option", { value }, name)));
  }
  if (select.value !== chosen) select.value = chosen;
}

class Line {
  constructor() {
    this.cells = COLUMNS.map(({ key, rank, number }, place) =>
      make(place === 0 ? "th" : "td", { class: `rank${rank} c-${key}${number ? " number" : ""}`, scope: place === 0 ? "row" : null }));
    this.name = make("span", { class: "agent-name" });
    this.id = make("span", { class: "agent-id" });
    this.cells[0].append(this.name, this.id);
    this.shape = icon("state9");
    this.state = make("span");
    this.cells[1].append(make("span", { class: "state" }, this.shape, this.state));
    this.row = make("tr", {}, this.cells);
  }

  update(agent, place, board) {
    if (!agent) return;
    mark(this.row, "aria-rowindex", place + 2);
    mark(this.row, "data-state", agent["agent-status"]);
    mark(this.row, "data-even", place % 2 === 0 ? "" : null);
    const name = agent["agent-name"] || agent["agent-id"];
    say(this.name, name);
    say(this.id, name === agent["agent-id"] ? "" : agent["agent-id"]);
    reshape(this.shape, `state${agent["agent-status"]}`);
    say(this.state, COLUMNS[1].text(agent, board));
    for (let at = 2; at < COLUMNS.length; at++) say(this.cells[at], COLUMNS[at].text(agent, board));
  }
}
