// The dialogs: what can be chosen, and which keys there are.

import { thresholdsOf } from "./alerts.js";
import { make, say, show } from "./dom.js";
import { ROTATE_SECONDS, write } from "./settings.js";

/** The keys, as the page takes them and as they are listed. */
export const KEYS = [
  ["1, 2, 3", "Queues, agents, one queue"],
  ["← →", "Page before, next page; on one queue: queue before, next queue"],
  ["/", "Search the agents"],
  ["f", "Full screen, and back"],
  ["r", "Rotate the pages, and stop"],
  ["t", "Theme: as the system has it, light, dark"],
  ["+ −", "Larger, smaller figures"],
  ["m", "Sound on, off"],
  ["s", "Settings"],
  ["?", "These keys"],
  ["Esc", "Close what is open; in the search: clear it"],
];

function dialog(id, title, ...content) {
  const close = make("button", { type: "button", class: "close", "aria-label": "Close" }, "✕");
  const box = make("dialog", { id, "aria-labelledby": `${id}-title` }, make("div", { class: "dialog-head" }, make("h2", { id: `${id}-title` }, title), close), ...content);
  close.addEventListener("click", () => box.close());
  // A click beside it closes it, too.
  box.addEventListener("click", (event) => event.target === box && box.close());
  document.body.append(box);
  return box;
}

/** The dialog of keys. */
export function helpDialog() {
  const rows = KEYS.map(([keys, what]) => make("tr", {}, make("th", { scope: "row" }, keys.split(/,? /).map((key) => [make("kbd", {}, key), " "]).flat()), make("td", {}, what)));
  return dialog("help", "Keys", make("table", { class: "keys" }, make("caption", { class: "unseen" }, "Keys and what they do"), make("tbody", {}, rows)),
    make("p", { class: "note" }, "All that is chosen is remembered in this browser, and stands in the page's address: whoever opens that sees the same."));
}

const CHOICES = [
  ["theme", "Theme", [["auto", "As the system has it"], ["light", "Light"], ["dark", "Dark"]]],
  ["size", "Size of figures", [["normal", "Normal"], ["large", "Large"], ["huge", "Huge"]]],
  ["layout", "Queues as", [["auto", "Cards if few, table if many"], ["cards", "Cards"], ["table", "Table"]]],
  ["clock", "Times in", [["zone", "The contact centre's zone"], ["browser", "This device's zone"]]],
];

/** Thresholds of a queue that has none. */
const EXEMPT = Object.freeze({ waiting: null, wait: null, level: null });

const isExempt = (settings, id) => Object.keys(EXEMPT).every((kind) => settings.thresholds[id]?.[kind] === null);

/** The dialog of settings. */
export class SettingsDialog {
  #choose;
  #controls = {};
  #only = new Map();
  #pages = new Map();
  #board;

  constructor(choose) {
    this.#choose = choose;
    const copied = make("span", { class: "note", role: "status" });
    const link = make("button", { type: "button", class: "primary" }, "Copy link to this view");
    link.addEventListener("click", () => this.#copy(copied));
    this.fields = make("div", { class: "limits", tabindex: 0, role: "region", "aria-label": "Thresholds" });
    this.queues = make("fieldset", {}, make("legend", {}, "Queues shown"), make("p", { class: "note" }, "None ticked shows all."));
    this.pages = make("fieldset", {}, make("legend", {}, "Pages of the rotation"));
    this.box = dialog("settings", "Settings",
      make("div", { class: "choices" }, CHOICES.map((choice) => this.#select(...choice)),
        this.#number("rotate", "Next page after", "seconds; 0 for no rotation", 0, ROTATE_SECONDS[1]),
        this.#number("silent", "Source is silent after", "minutes without an event; 0 for never", 0, 1440),
        this.#tick("sound", "Sound at an alarm"), this.#tick("keys", "Single letters are keys")),
      make("h3", {}, "Thresholds"),
      make("p", { class: "note" }, "An alarm where more wait, where one waits longer, or where the service level of the last 30 minutes is lower. Empty: none, or as for all queues. A queue without alarms has none, whatever holds for all."),
      this.fields, this.pages, this.queues,
      make("div", { class: "actions" }, link, copied));
  }

  open(board) {
    this.#board = board;
    this.#fill();
    this.box.showModal();
  }

  #select(key, name, choices) {
    const control = make("select", { id: `set-${key}` }, choices.map(([value, text]) => make("option", { value }, text)));
    control.addEventListener("change", () => this.#choose({ [key]: control.value }));
    this.#controls[key] = control;
    return make("div", { class: "field" }, make("label", { for: control.id }, name), control);
  }

  #number(key, name, hint, min, max) {
    const control = make("input", { id: `set-${key}`, type: "number", min, max, inputmode: "numeric", "aria-describedby": `hint-${key}` });
    control.addEventListener("input", () => {
      const value = Math.min(Math.max(Math.round(Number(control.value)) || 0, min), max);
      this.#choose({ [key]: key === "rotate" && value > 0 ? Math.max(value, ROTATE_SECONDS[0]) : value });
    });
    this.#controls[key] = control;
    return make("div", { class: "field" }, make("label", { for: control.id }, name), control, make("span", { class: "note", id: `hint-${key}` }, hint));
  }

  #tick(key, name) {
    const control = make("input", { id: `set-${key}`, type: "checkbox" });
    control.addEventListener("change", () => this.#choose({ [key]: control.checked }));
    this.#controls[key] = control;
    return make("div", { class: "field tick" }, control, make("label", { for: control.id }, name));
  }

  #fill() {
    const { settings } = this.#board;
    for (const [key, control] of Object.entries(this.#controls)) {
      if (control.type === "checkbox") control.checked = settings[key];
      else control.value = settings[key];
    }
    const [all, ...names] = this.#names();
    this.#fillLimits([all, ...names]);
    this.#ticks(this.#only, this.queues, names, settings.only.map(String), (ids) => this.#choose({ only: ids.map(Number) }));
    const pages = [["queues", "Queues"], ["agents", "Agents"], ...names];
    this.#ticks(this.#pages, this.pages, pages, settings.pages, (ids) => ids.length > 0 && this.#choose({ pages: ids }));
  }

  #fillLimits(names) {
    const focused = document.activeElement?.id;
    const columns = [["waiting", "Waiting, more than", ""], ["wait", "Wait, seconds", ""], ["level", "Level below, %", ""]];
    const head = make("tr", {}, make("th", { scope: "col" }, "Queue"), [...columns, ["", "No alarms"]].map(([, name]) => make("th", { scope: "col" }, name)));
    const rows = names.map(([id, name]) => make("tr", {}, make("th", { scope: "row" }, name), columns.map(([kind, title]) => make("td", {}, this.#limit(id, kind, `${name}: ${title}`))), make("td", {}, id === "*" ? null : this.#exempt(id, name))));
    this.fields.replaceChildren(make("table", {}, make("caption", { class: "unseen" }, "Thresholds by queue"), make("thead", {}, head), make("tbody", {}, rows)));
    if (focused) document.getElementById(focused)?.focus();
  }

  #limit(id, kind, label) {
    const { settings } = this.#board;
    const own = settings.thresholds[id]?.[kind] ?? undefined;
    const inherited = thresholdsOf(settings, id)[kind];
    const input = make("input", { type: "number", min: 0, max: kind === "level" ? 100 : 86_400, inputmode: "numeric", "aria-label": label, placeholder: own === undefined && inherited !== undefined ? inherited : "–" });
    if (own !== undefined) input.value = own;
    input.disabled = isExempt(settings, id);
    input.addEventListener("input", () => {
      const limits = { ...this.#board.settings.thresholds[id] };
      if (input.value === "" || !input.validity.valid) delete limits[kind];
      else limits[kind] = Math.round(Number(input.value));
      this.#choose({ thresholds: { ...this.#board.settings.thresholds, [id]: limits } });
    });
    return input;
  }

  /** A box that frees a queue from all thresholds. */
  #exempt(id, name) {
    const control = make("input", { type: "checkbox", id: `exempt-${id}`, "aria-label": `${name}: no alarms` });
    control.checked = isExempt(this.#board.settings, id);
    control.addEventListener("change", () => {
      const thresholds = { ...this.#board.settings.thresholds, [id]: control.checked ? { ...EXEMPT } : {} };
      this.#choose({ thresholds });
      this.#fillLimits(this.#names());
    });
    return control;
  }

  /** What there are thresholds for. */
  #names() {
    const names = this.#board.allQueues.map((queue) => [String(queue["queue-id"]), queue["queue-name"] || `Queue ${queue["queue-id"]}`]);
    return [["*", "All queues"], ...names];
  }

  #ticks(known, place, names, chosen, tell) {
    for (const box of known.values()) box.remove();
    known.clear();
    for (const [id, name] of names) {
      const control = make("input", { type: "checkbox", id: `${place === this.pages ? "page" : "only"}-${id}` });
      control.checked = chosen.includes(id);
      control.addEventListener("change", () => tell([...known].filter(([, box]) => box.firstChild.checked).map(([key]) => key)));
      known.set(id, make("div", { class: "field tick" }, control, make("label", { for: control.id }, name)));
    }
    place.append(...known.values());
  }

  /** Keeps the board with the present settings while the dialog is open. */
  refresh(board) {
    this.#board = board;
    if (this.#controls.theme.value !== board.settings.theme) this.#controls.theme.value = board.settings.theme;
  }

  async #copy(copied) {
    const fragment = write(this.#board.settings);
    const address = `${location.origin}${location.pathname}${location.search}${fragment ? `#${fragment}` : ""}`;
    try {
      await navigator.clipboard.writeText(address);
      say(copied, "Copied. Who opens it signs in first.");
    } catch {
      say(copied, address);
    }
    show(copied, true);
  }
}
