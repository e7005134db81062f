// What a viewer has chosen: as the fragment of the address, remembered in the browser, shared by link. Pure.
//
//     #view=queues&theme=dark&rotate=20&alert=*:w5,l60,s70;115:w3

/** All that can be chosen; the page that makes links for wall screens takes the same. */
export const KEYS = [
  "view", "theme", "size", "layout", "columns", "clock", "queue", "silent", "inQueue", "search",
  "group", "state", "rotate", "pages", "only", "sound", "keys", "alert", "sort",
];

export const VIEWS = ["queues", "agents", "queue"];

const CHOICES = {
  view: VIEWS,
  theme: ["auto", "light", "dark"],
  size: ["normal", "large", "huge"],
  layout: ["auto", "cards", "table"],
  columns: ["fit", "all"],
  clock: ["zone", "browser"],
};

/** Seconds that a page may stay, in a rotation. */
export const ROTATE_SECONDS = [5, 600];

/** What holds where nothing is chosen. */
export const DEFAULTS = Object.freeze({
  view: "queues",
  theme: "auto",
  size: "normal",
  layout: "auto",
  columns: "fit",
  clock: "zone",
  /** The queue of the page of a single queue; 0: the first. */
  queue: 0,
  /** Seconds until the next page; 0: none. */
  rotate: 0,
  /** Pages of the rotation: views, and single queues by number. */
  pages: Object.freeze(["queues", "agents"]),
  /** Queues that are shown; none: all. */
  only: Object.freeze([]),
  sound: false,
  /** Whether single letters do something. */
  keys: true,
  /** Minutes after which a silent source is told of; 0: never. */
  silent: 10,
  /**
   * By queue's number, or `*`: limits of waiting, of wait in seconds, of the service level in percent; null for none,
   * whatever holds for all queues.
   */
  thresholds: Object.freeze({}),
  /** Filters of the agents. */
  search: "",
  inQueue: 0,
  group: "",
  state: "",
  sort: "name",
  descending: false,
});

const NUMBERS = { queue: [0, 2 ** 31 - 1], silent: [0, 1440], inQueue: [0, 2 ** 31 - 1] };
const TEXTS = ["search", "group", "state"];
const MARKS = { w: "waiting", l: "wait", s: "level" };
const LIMITS = { waiting: [0, 100_000], wait: [0, 86_400], level: [0, 100] };

/** Settings from a fragment or a query, without its first character; what can't be read is left as it was. */
export function parse(text, base = DEFAULTS) {
  const settings = { ...base };
  for (const [key, value] of new URLSearchParams(text)) {
    if (Object.hasOwn(CHOICES, key)) settings[key] = CHOICES[key].includes(value) ? value : settings[key];
    else if (Object.hasOwn(NUMBERS, key)) settings[key] = bounded(value, NUMBERS[key]) ?? settings[key];
    else if (TEXTS.includes(key)) settings[key] = value.slice(0, 200);
    else if (key === "rotate") settings.rotate = value === "0" ? 0 : (bounded(value, ROTATE_SECONDS) ?? settings.rotate);
    else if (key === "pages") settings.pages = pages(value) ?? settings.pages;
    else if (key === "only") settings.only = value.split(",").map((id) => bounded(id, NUMBERS.queue)).filter((id) => id);
    else if (key === "sound") settings.sound = value === "1";
    else if (key === "keys") settings.keys = value !== "0";
    else if (key === "alert") settings.thresholds = thresholds(value);
    else if (key === "sort" && /^-?[a-z0-9]{1,20}$/.test(value)) {
      settings.descending = value.startsWith("-");
      settings.sort = value.replace("-", "");
    }
  }
  return settings;
}

/** The fragment that `parse` reads back: only what differs from the defaults. */
export function write(settings) {
  const pairs = [];
  const put = (key, value) => pairs.push(`${key}=${encodeURIComponent(value).replaceAll("%2C", ",").replaceAll("%3A", ":")}`);
  for (const key of [...Object.keys(CHOICES), ...Object.keys(NUMBERS), ...TEXTS, "rotate"]) {
    if (settings[key] !== DEFAULTS[key]) put(key, settings[key]);
  }
  if (settings.pages.join() !== DEFAULTS.pages.join()) put("pages", settings.pages.join());
  if (settings.only.length > 0) put("only", settings.only.join());
  if (settings.sound) put("sound", "1");
  if (!settings.keys) put("keys", "0");
  const alert = writeThresholds(settings.thresholds);
  if (alert) put("alert", alert);
  if (settings.sort !== DEFAULTS.sort || settings.descending) put("sort", (settings.descending ? "-" : "") + settings.sort);
  return pairs.join("&");
}

function bounded(text, [least, most]) {
  if (!/^\d{1,10}$/.test(text)) return undefined;
  const number = Number(text);
  return number >= least && number <= most ? number : undefined;
}

function pages(text) {
  const known = text.split(",").filter((page) => ["queues", "agents"].includes(page) || bounded(page, [1, 2 ** 31 - 1]));
  return known.length > 0 ? known.slice(0, 50) : undefined;
}

function thresholds(text) {
  const all = {};
  for (const part of text.split(";")) {
    const [, queue, marks] = /^(\*|\d{1,10}):(.*)$/.exec(part) ?? [];
    if (!queue) continue;
    const limits = {};
    for (const mark of marks.split(",")) {
      const kind = MARKS[mark[0]];
      const limit = kind && (mark === `${mark[0]}-` ? null : bounded(mark.slice(1), LIMITS[kind]));
      if (limit !== undefined) limits[kind] = limit;
    }
    if (Object.keys(limits).length > 0) all[queue] = limits;
  }
  return all;
}

function writeThresholds(all) {
  const mark = (limits) => Object.entries(MARKS).filter(([, kind]) => limits[kind] !== undefined)
    .map(([letter, kind]) => letter + (limits[kind] ?? "-")).join(",");
  return Object.entries(all).map(([queue, limits]) => [queue, mark(limits)])
    .filter(([, marks]) => marks).map(([queue, marks]) => `${queue}:${marks}`).join(";");
}
