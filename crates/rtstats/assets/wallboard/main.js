// The wallboard: binds the feed, the settings and the pages, and decides when to draw.

import { AgentsView } from "./agents.js";
import { Alarms, Level, look, thresholdsOf } from "./alerts.js";
import { Banner } from "./banner.js";
import { ServerClock } from "./clock.js";
import { byId, make, mark, reshape, say, show, tool } from "./dom.js";
import { duration } from "./format.js";
import { Grade, STALE_MS, judge } from "./freshness.js";
import { SettingsDialog, helpDialog } from "./panel.js";
import { QueuesView } from "./queues.js";
import { following, nextScroll } from "./rotation.js";
import { Rows } from "./rows.js";
import { ROTATE_SECONDS, VIEWS, parse, write } from "./settings.js";
import { SingleView } from "./single.js";
import { Sound } from "./sound.js";
import { Feed } from "./stream.js";
import { Trends, load } from "./trends.js";

/** Clocks show whole seconds; each turns at its own moment. */
const TICK_MS = 250;
const IDLE_MS = 4_000;
/** Frames that come late may be a clock that was set: a new stream shows, once in so long. */
const RESET_MS = 60_000;
const ROTATE_DEFAULT_SECONDS = 20;
const THEMES = ["auto", "light", "dark"];
const SIZES = ["normal", "large", "huge"];

const { tenant, live, trends: trendsUrl } = document.body.dataset;
const store = `wallboard:${tenant}`;
const root = document.documentElement;

const rows = new Rows();
const clock = new ServerClock();
const trends = new Trends();
const alarms = new Alarms();
const sound = new Sound();
let settings = readSettings();
/** `performance.now()` and `Date.now()` as the last frame came; the one stands still while some machines sleep. */
let seen = null;
/** Where the clocks stand while the figures are old. */
let stopped = null;
let pending = null;
let rotateAt = 0;
let trendsKnown = false;
/** When the stream was opened anew because frames came late. */
let resetAt = -RESET_MS;

const banner = new Banner(act);
const feed = new Feed(live, hear, () => tick(), (date, sent) => clock.opened(date, sent, performance.now()));
const views = {
  queues: new QueuesView(byId("view-queues"), choose),
  agents: new AgentsView(byId("view-agents"), choose),
  queue: new SingleView(byId("view-queue"), choose),
};
const help = helpDialog();
const panel = new SettingsDialog(choose);
const tabs = makeTabs();
const tools = makeTools();
/** What can be pressed by a key, with it and its hint. */
const keyed = [...Object.values(tabs), ...Object.values(tools)].map((element) => [element, element.getAttribute("aria-keyshortcuts"), element.title]);

// What is chosen

function readSettings() {
  let kept = "";
  try { kept = localStorage.getItem(store) ?? ""; } catch { /* storage may be closed to us */ }
  let theme = null;
  try { theme = localStorage.getItem("theme"); } catch { /* as above */ }
  const base = parse(kept);
  if (THEMES.includes(theme)) base.theme = theme;
  // A link tells all of a view: what it leaves out is as by default. A bare address shows what this browser has kept.
  const query = location.search.slice(1).replace(/(^|&)tenant=[^&]*/, "").replace(/^&/, "");
  const given = [query, location.hash.slice(1)].filter((text) => text !== "").join("&");
  return given === "" ? base : parse(given, given.startsWith("view=") && !given.includes("&") ? base : { ...parse(""), theme: base.theme });
}

function choose(change) {
  settings = { ...settings, ...change };
  const text = write(settings);
  history.replaceState(null, "", address(text));
  try {
    localStorage.setItem(store, text);
    if (settings.theme === "auto") localStorage.removeItem("theme");
    else localStorage.setItem("theme", settings.theme);
  } catch { /* it holds for this page then */ }
  if (change.rotate !== undefined) restartRotation();
  applySettings();
  draw(null);
  panel.refresh(board());
}

/** The page's address with settings: the tenant stays in its query, and nothing else, since settings were taken from it. */
function address(text) {
  const tenant = new URLSearchParams(location.search).get("tenant");
  return location.pathname + (tenant ? `?tenant=${tenant}` : "") + (text ? `#${text}` : "");
}

function applySettings() {
  if (settings.theme === "auto") delete root.dataset.theme;
  else root.dataset.theme = settings.theme;
  mark(root, "data-size", settings.size);
  for (const view of VIEWS) {
    show(byId(`view-${view}`), rows.head !== null && settings.view === view);
    mark(tabs[view], "aria-current", settings.view === view ? "page" : null);
  }
  mark(root, "data-view", settings.view);
  mark(tools.rotate, "aria-pressed", String(settings.rotate > 0));
  reshape(tools.rotate.firstChild, settings.rotate > 0 ? "pause" : "play");
  mark(tools.sound, "aria-pressed", String(settings.sound));
  for (const [element, keys, title] of keyed) {
    mark(element, "aria-keyshortcuts", settings.keys ? keys : null);
    mark(element, "title", (settings.keys ? title : title.replace(/ \(.\)$/, "")) || null);
  }
  showSound();
}

function showSound() {
  reshape(tools.sound.firstChild, settings.sound ? "sound" : "mute");
  const silent = settings.sound && !sound.ready;
  mark(tools.sound, "data-wants", silent ? "" : null);
  say(tools.sound.lastChild, silent ? "Press to allow sound" : settings.sound ? "Sound on" : "Sound off");
}

// What comes

function hear(name, frame) {
  const own = performance.now();
  if (name === "trend") {
    trends.add(frame);
    if (rows.head) views[settings.view].trends?.(board());
    return;
  }
  const changed = rows.take(name, frame);
  clock.heard(frame.now, own);
  seen = { own, wall: Date.now() };
  if (changed.full) loadTrends();
  merge(changed);
  judgeAlarms();
}

/** Frames that come between two drawings are drawn at once. */
function merge(changed) {
  if (pending === null) {
    pending = changed;
    requestAnimationFrame(() => {
      const all = pending;
      pending = null;
      performance.mark("update-begin");
      draw(all);
      tick();
      performance.measure("update", "update-begin");
    });
    return;
  }
  pending.full ||= changed.full;
  pending.names ||= changed.names;
  for (const list of ["agents", "queues"]) for (const id of changed[list]) pending[list].add(id);
}

async function loadTrends() {
  trendsKnown = await load(trends, trendsUrl);
  if (rows.head) views[settings.view].trends?.(board());
}

// What is shown

function serverNow() {
  return stopped ?? clock.at(performance.now());
}

/** All that a page draws from. */
function board() {
  const now = serverNow();
  const allQueues = [...rows.queues.values()];
  const only = new Set(settings.only);
  const queues = only.size === 0 ? allQueues : allQueues.filter((queue) => only.has(queue["queue-id"]));
  const zone = settings.clock === "zone" ? rows.names.zone : "";
  const looks = new Map(allQueues.map((queue) => [queue["queue-id"], look(queue, thresholdsOf(settings, queue["queue-id"]), now)]));
  const queue = rows.queues.get(settings.queue) ?? (settings.queue === 0 ? queues[0] : undefined);
  return { rows, agents: [...rows.agents.values()], queues, allQueues, queue, now, zone, told: rows.told, looks, trends, settings };
}

function draw(changed) {
  if (rows.head === null) return;
  show(byId("opening"), false);
  applyViews();
  const of = settings.view === "queues" ? (changed && !changed.full ? changed.queues : null) : changed;
  const now = board();
  views[settings.view].update(now, of);
  const name = settings.view === "queue" ? (now.queue?.["queue-name"] ?? "") : settings.view === "agents" ? "Agents" : "Queues";
  say(byId("view-name"), name);
}

function applyViews() {
  for (const view of VIEWS) show(byId(`view-${view}`), settings.view === view);
}

function age() {
  if (!seen) return 0;
  // A clock that was set back makes one of the two too small.
  return Math.max(performance.now() - seen.own, Date.now() - seen.wall);
}

function tick() {
  const own = performance.now();
  const now = clock.at(own);
  const late = clock.late(own);
  const zone = settings.clock === "zone" ? rows.names.zone : "";
  const silentMax = settings.silent * 60_000;
  const retryMs = feed.retryAt - own;
  const judgment = judge({ head: rows.head, age: age(), now, link: feed.link, reason: feed.reason, retryMs, silentMax, late, zone });
  const instant = judgment.instant ?? rows.head?.instant ?? null;
  // Clocks stand with figures that are old, and go on with those that come late.
  const stand = judgment.cause === "late" ? null : stopped;
  stopped = judgment.grade === Grade.dead && rows.head ? (stand ?? instant ?? rows.head.now) : null;
  banner.update(judgment, instant, instant === null ? "" : duration(now - instant), zone);
  if (rows.head === null) say(byId("opening"), judgment.grade === Grade.dead ? "" : "Connecting…");
}

function everyTick() {
  feed.watch();
  if (clock.late(performance.now()) > 0 && performance.now() - resetAt > RESET_MS) {
    resetAt = performance.now();
    feed.open();
  }
  tick();
  if (rows.head && stopped === null && document.visibilityState === "visible") {
    views[settings.view].tick(board());
    judgeAlarms();
  }
  rotate();
}

function judgeAlarms() {
  if (stopped !== null || age() > STALE_MS) return;
  const now = board();
  const present = now.queues.flatMap((queue) => {
    const id = queue["queue-id"];
    return now.looks.get(id).alarms.map(({ kind, text }) => [`${id}/${kind}`, `${queue["queue-name"]}: ${text}`]);
  });
  const begun = alarms.update(present);
  const loud = now.queues.filter((queue) => now.looks.get(queue["queue-id"]).level === Level.alarm).length;
  document.title = `${loud > 0 ? `(${loud}!) ` : ""}Wallboard · ${tenant}`;
  mark(root, "data-alarms", loud > 0 ? loud : null);
  if (begun.length === 0) return;
  say(byId("told"), `Alarm. ${begun.slice(0, 3).join(". ")}${begun.length > 3 ? `. And ${begun.length - 3} more` : ""}`);
  if (settings.sound) sound.alarm();
}

// Rotation

function restartRotation() {
  rotateAt = settings.rotate > 0 ? performance.now() + settings.rotate * 1000 : 0;
}

function rotate() {
  if (rotateAt === 0 || performance.now() < rotateAt || help.open || panel.box.open) return;
  restartRotation();
  const place = scrolled();
  const to = nextScroll(place);
  if (to !== undefined) return place.element.scrollTo({ top: to });
  go(following(settings.pages, settings.view === "queue" ? String(settings.queue) : settings.view, (id) => rows.queues.has(id)));
}

function scrolled() {
  const inner = byId(`view-${settings.view}`).querySelector(".scroller:not([hidden])");
  const scrolls = (element) => element && element.scrollHeight > element.clientHeight + 2;
  const element = scrolls(inner) ? inner : document.scrollingElement;
  return { element, top: element.scrollTop, height: element.clientHeight, total: element.scrollHeight };
}

/** Goes to a view, or to the queue of a number. */
function go(page) {
  choose(VIEWS.includes(page) ? { view: page } : { view: "queue", queue: Number(page) });
  document.scrollingElement.scrollTop = 0;
  const scroller = byId(`view-${settings.view}`).querySelector(".scroller");
  if (scroller) scroller.scrollTop = 0;
}

// What people do

function act(action) {
  if (action === "retry") feed.open();
  else location.reload();
}

function makeTabs() {
  const names = { queues: "Queues", agents: "Agents", queue: "One queue" };
  const links = {};
  for (const view of VIEWS) {
    links[view] = make("a", { href: `#view=${view}`, "data-view": view, "aria-keyshortcuts": VIEWS.indexOf(view) + 1 }, names[view]);
    byId("tabs").append(links[view]);
  }
  return links;
}

function makeTools() {
  const made = {
    rotate: tool("tool-rotate", "play", "Rotate pages", "r"),
    sound: tool("tool-sound", "mute", "Sound off", "m"),
    theme: tool("tool-theme", "theme", "Theme", "t"),
    full: tool("tool-full", "full", "Full screen", "f"),
    settings: tool("tool-settings", "gear", "Settings", "s"),
    help: tool("tool-help", "help", "Keys", "?"),
  };
  for (const [name, button] of Object.entries(made)) {
    button.addEventListener("click", () => ACTIONS[name]());
    byId("tools").append(button);
  }
  return made;
}

const cycle = (list, value, by = 1) => list[(list.indexOf(value) + by + list.length) % list.length];
const sized = (by) => choose({ size: SIZES[Math.min(Math.max(SIZES.indexOf(settings.size) + by, 0), SIZES.length - 1)] });

const ACTIONS = {
  rotate: () => choose({ rotate: settings.rotate > 0 ? 0 : Math.max(ROTATE_DEFAULT_SECONDS, ROTATE_SECONDS[0]) }),
  sound: async () => {
    // A first press where sound is on but not allowed yet allows it.
    const allow = settings.sound && !sound.ready;
    await sound.unlock();
    if (allow) showSound();
    else choose({ sound: !settings.sound });
    if (settings.sound) sound.alarm();
  },
  theme: () => {
    choose({ theme: cycle(THEMES, settings.theme) });
    say(byId("told"), `Theme: ${settings.theme}`);
  },
  full: () => (document.fullscreenElement ? document.exitFullscreen() : root.requestFullscreen?.())?.catch?.(() => {}),
  settings: () => panel.open(board()),
  help: () => help.showModal(),
};

const SHORTCUTS = {
  1: () => go("queues"), 2: () => go("agents"), 3: () => go("queue"),
  ArrowLeft: () => step(-1), ArrowRight: () => step(1),
  "/": () => { go("agents"); views.agents.search.focus(); },
  f: ACTIONS.full, r: ACTIONS.rotate, t: ACTIONS.theme, m: ACTIONS.sound, s: ACTIONS.settings, "?": ACTIONS.help,
  "+": () => sized(1), "-": () => sized(-1),
};

function step(by) {
  if (settings.view === "queue") {
    const ids = board().queues.map((queue) => queue["queue-id"]);
    const at = Math.max(ids.indexOf(board().queue?.["queue-id"]), 0);
    if (ids.length > 0) choose({ queue: ids[(at + by + ids.length) % ids.length] });
  } else go(cycle(VIEWS, settings.view, by));
}

function press(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || help.open || panel.box.open) return;
  // Letters alone are no keys where somebody wants none: dictation, and hands that slip.
  if (!settings.keys && event.key.length === 1) return;
  const typing = event.target.matches?.("input, select, textarea");
  if (event.key === "Escape" && event.target === views.agents.search) {
    choose({ search: "" });
    views.agents.search.value = "";
    byId("main").focus();
  }
  // Arrows scroll what has the focus and can be scrolled.
  const scrolls = event.key.startsWith("Arrow") && event.target.matches?.(".scroller");
  if (typing || scrolls) return;
  const shortcut = SHORTCUTS[event.key] ?? SHORTCUTS[event.key.toLowerCase()];
  if (!shortcut) return;
  event.preventDefault();
  shortcut();
}

let idleTimer;
function touched() {
  delete root.dataset.idle;
  // Nobody loses the page under the hand.
  restartRotation();
  clearTimeout(idleTimer);
  idleTimer = setTimeout(() => { root.dataset.idle = ""; }, IDLE_MS);
}

async function keepAwake() {
  if (!document.fullscreenElement || document.visibilityState !== "visible") return;
  try { await navigator.wakeLock?.request("screen"); } catch { /* the screen goes dark as it is set to */ }
}

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-view], a[data-queue]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  go(link.dataset.view ?? link.dataset.queue);
});
document.addEventListener("keydown", press);
for (const kind of ["pointermove", "pointerdown", "keydown", "input", "wheel"]) document.addEventListener(kind, touched, { passive: true });
for (const kind of ["pointerdown", "keydown"]) {
  document.addEventListener(kind, async () => {
    if (!settings.sound || sound.ready) return;
    await sound.unlock();
    showSound();
  });
}
document.addEventListener("visibilitychange", () => { everyTick(); keepAwake(); });
document.addEventListener("fullscreenchange", () => { keepAwake(); draw(null); });
for (const kind of ["pageshow", "resume", "online"]) addEventListener(kind, everyTick);
addEventListener("online", () => feed.open());
addEventListener("hashchange", () => {
  if (location.hash.startsWith("#share=")) return location.replace("/share" + location.hash);
  settings = readSettings();
  applySettings();
  restartRotation();
  draw(null);
});
addEventListener("resize", () => requestAnimationFrame(() => draw(null)));
setInterval(everyTick, TICK_MS);
setInterval(() => { if (rows.head && !trendsKnown && stopped === null) loadTrends(); }, 60_000);

applySettings();
restartRotation();
touched();
feed.open();
