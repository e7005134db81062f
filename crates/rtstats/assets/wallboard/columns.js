// What the table of agents shows: each column once, with its text and what it is sorted by. Pure.

import { average, clock, elapsed, timeOfDay } from "./format.js";

/** States in the order of interest, with their words. */
export const STATES = new Map([
  [0, "Available"],
  [1, "Offered"],
  [2, "Busy"],
  [3, "Wrap-up"],
  [4, "On break"],
  [5, "Offline work"],
  [9, "Logged out"],
]);

const LINE1 = { "-1": "", 0: "Idle", 1: "On hold", 2: "On mute", 3: "Ringing", 4: "Monitoring", 5: "Talking" };
const LINE2 = { "-1": "", 0: "Ringing", 1: "On hold", 2: "On mute", 3: "Error", 4: "Monitoring", 5: "Talking" };
const MEDIA = ["", "Phone", "Chat", "Email", "Voicemail"];

/** Words of a line's status. */
export const lineWord = (agent, line) => (line === 1 ? LINE1 : LINE2)[agent[`phone-line${line}-status`]] ?? "";

function lineText(agent, line, now) {
  const word = lineWord(agent, line);
  const time = clock(elapsed(agent[`phone-line${line}-status-since`], now));
  return time ? `${word} ${time}` : word;
}

const line = (number) => ({
  key: `line${number}`, title: `Line ${number}`, width: 7.8, rank: 2, ticks: true,
  value: (agent) => lineWord(agent, number),
  text: (agent, { now }) => lineText(agent, number, now),
});

const figure = (key, field, title, hint, rank, width = 5) => ({
  key, title, hint, rank, width, number: true,
  value: (agent) => agent[field],
  text: (agent) => String(agent[field]),
});

const span = (key, field, title, hint, rank, runs) => ({
  key, title, hint, rank, width: 5.5, number: true, ticks: runs !== undefined,
  value: (agent) => agent[field],
  text: (agent, { now, told }) => clock(agent[field] + (runs?.(agent) ? runSeconds(agent, now, told) : 0)),
});

// `open` are the states in which the last that was counted has not ended.
const mean = (key, field, counted, open, title, hint, rank) => ({
  key, title, hint, rank, width: 5.5, number: true,
  value: (agent) => agent[field],
  text: (agent) => average(agent[field], agent[counted] - (open.includes(agent["agent-status"]) ? 1 : 0)),
});

// Totals run while a status lasts; the feed tells them every 8 s or so. `told` is when it did.
const runSeconds = (agent, now, told) => Math.max(0, Math.floor((now - (told.get(agent["agent-id"]) ?? now)) / 1000));
const isIn = (status) => (agent) => agent["agent-status"] === status;

/** The columns in their order. `rank`: 1 is shown on every screen, 2 and more as there is room. */
export const COLUMNS = [
  { key: "name", title: "Agent", width: 14.4, rank: 1, value: (agent) => agent["agent-name"] || agent["agent-id"] },
  { key: "state", title: "State", width: 11.6, rank: 1, value: stateValue, text: stateText },
  { key: "since", title: "For", hint: "Time in this state", width: 6.4, rank: 1, number: true, ticks: true,
    value: (agent) => -(agent["status-since"] ?? 1e15),
    text: (agent, { now }) => clock(elapsed(agent["status-since"], now)) || "–" },
  line(1),
  line(2),
  { key: "group", title: "Group", width: 8.6, rank: 2, value: (agent, rows) => rows.group(agent), text: (agent, { rows }) => rows.group(agent) },
  figure("accepted", "day-accepted-count", "Accepted", "Transactions taken up today", 2),
  figure("rejected", "day-rejected-count", "Rejected", "Offers declined or not answered today", 3),
  mean("processing", "day-avg-processing-time", "day-accepted-count", [2], "Ø work", "Average processing time today", 3),
  span("login", "day-login-time", "Logged in", "Time logged in today", 3, (agent) => agent["agent-status"] !== 9),
  span("free", "day-available-time", "Available", "Time available today", 4, isIn(0)),
  span("worked", "day-processing-time", "Working", "Time in processing today", 4),
  span("wrapup", "day-wrap-up-time", "Wrap-up", "Time in wrap-up today", 4),
  span("broken", "day-break-time", "Break", "Time on break today", 4, isIn(4)),
  span("offline", "day-offline-time", "Offline", "Time working offline today", 5, isIn(5)),
  figure("half", "thirty-min-accepted-count", "30 min", "Transactions taken up in the last 30 minutes", 4),
  mean("handling", "thirty-min-avg-handling-time", "thirty-min-accepted-count", [2, 3], "Ø 30 min",
    "Average handling time in the last 30 minutes", 5),
  { key: "media", title: "Medium", hint: "Medium of the work taken up last", width: 6, rank: 5,
    value: (agent) => MEDIA[agent["agent-media-id"]] ?? "", text: (agent) => MEDIA[agent["agent-media-id"]] ?? "" },
  { key: "skills", title: "Queues", hint: "Queues enabled, of those assigned", width: 5, rank: 5, number: true,
    value: (agent) => agent["enabled-skill-count"],
    text: (agent) => `${agent["enabled-skill-count"]}/${agent["assigned-skill-count"]}` },
  { key: "first", title: "Login", hint: "Last login", width: 5, rank: 5, number: true,
    value: (agent) => agent["last-login-time"],
    text: (agent, { zone }) => (agent["last-login-time"] < 0 ? "–" : timeOfDay(agent["last-login-time"] * 1000, zone, false)) },
];

const ORDER = [...STATES.keys()];

function stateValue(agent, rows) {
  return `${ORDER.indexOf(agent["agent-status"])} ${rows.code(agent)}`;
}

function stateText(agent, { rows }) {
  const word = STATES.get(agent["agent-status"]) ?? `State ${agent["agent-status"]}`;
  const code = rows.code(agent);
  return code ? `${word} · ${code}` : word;
}

const collator = new Intl.Collator(undefined, { numeric: true, sensitivity: "base" });

/** Compares what two agents are sorted by; equals by id, so that rows don't change places without a reason. */
export function compare(left, right, leftId, rightId, descending) {
  const order = typeof left === "number" ? left - right : collator.compare(left, right);
  if (order !== 0) return descending ? -order : order;
  return leftId < rightId ? -1 : leftId > rightId ? 1 : 0;
}

/** Whether an agent is among those that the filters leave. */
export function passes(agent, rows, { search, inQueue, group, state }) {
  if (state !== "" && !isInState(agent["agent-status"], state)) return false;
  if (inQueue && !(agent.queues ?? []).some((queue) => Math.abs(queue) === inQueue)) return false;
  if (group !== "" && String(agent["group-id"]) !== group) return false;
  if (search === "") return true;
  const text = `${agent["agent-name"]} ${agent["agent-id"]} ${rows.code(agent)} ${rows.group(agent)}`.toLocaleLowerCase();
  return search.toLocaleLowerCase().split(/\s+/).every((word) => text.includes(word));
}

/** `in` is every state but logged out. */
const isInState = (status, state) => (state === "in" ? status !== 9 : String(status) === state);
