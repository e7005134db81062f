// What the wallboard computes without a page: frames, clocks, judgments, thresholds, settings, order, pictures.

import assert from "node:assert/strict";
import test from "node:test";

const load = (name) => import(`../../crates/rtstats/assets/wallboard/${name}.js`);
const { Parser, Link, retryMs } = await load("stream");
const { Rows, isOf, membersOf, totals } = await load("rows");
const { ServerClock } = await load("clock");
const { judge, STALE_MS } = await load("freshness");
const { average, clock, duration, elapsed, percent, timeOfDay } = await load("format");
const { Alarms, Level, kindsOf, look, thresholdsOf } = await load("alerts");
const { DEFAULTS, parse, write } = await load("settings");
const { COLUMNS, compare, passes } = await load("columns");
const { following, nextScroll } = await load("rotation");
const { Trends, HOURS } = await load("trends");
const { areaPath, linePath } = await load("spark");
const { fit } = await load("queues");
const { agentsOf } = await load("single");

/** A repeatable source of numbers from 0 to below 1. */
function dice(seed) {
  let state = seed;
  return () => {
    state = (state * 1_664_525 + 1_013_904_223) % 2 ** 32;
    return state / 2 ** 32;
  };
}

test("events_are_read_however_the_stream_is_cut", () => {
  const stream = "retry: 2000\n\nevent: full\nid: 7\ndata: {\"a\":1}\n\n: said aside\r\ndata:x\rdata: y\r\n\r\nevent: bye\ndata: {}\n\n";
  const whole = [
    { name: "full", data: '{"a":1}', id: "7" },
    { name: "message", data: "x\ny", id: undefined },
    { name: "bye", data: "{}", id: undefined },
  ];
  const roll = dice(4);
  for (let round = 0; round < 300; round++) {
    const parser = new Parser();
    const events = [];
    for (let at = 0; at < stream.length;) {
      const to = at + 1 + Math.floor(roll() * (round % 30));
      events.push(...parser.push(stream.slice(at, to)));
      at = to;
    }
    assert.deepEqual(events, whole, `round ${round}`);
  }
});

test("waits_between_tries_grow_and_are_bounded", () => {
  const waits = [1, 2, 3, 4, 5, 50].map(retryMs);
  assert.equal(waits[0], 2_000);
  assert.deepEqual([...waits].sort((left, right) => left - right), waits);
  assert.equal(waits.at(-1), 15_000);
});

test("a_whole_table_and_the_changes_since_lead_to_the_same_rows", () => {
  const roll = dice(9);
  const truth = new Map();
  const [page, late] = [new Rows(), new Rows()];
  const head = { instant: 1, "last-event": 1, now: 2, state: "ready" };
  page.take("full", { ...head, agents: [], queues: [], names: { zone: "UTC", groups: {}, codes: {} } });
  for (let round = 0; round < 500; round++) {
    const id = `a${Math.floor(roll() * 8)}`;
    const frame = { ...head, agents: [], gone: { agents: [], queues: [] } };
    if (truth.has(id) && roll() < 0.3) {
      truth.delete(id);
      frame.gone.agents.push(id);
    } else {
      const change = { "agent-id": id, "agent-status": Math.floor(roll() * 6) };
      truth.set(id, { ...truth.get(id), ...change });
      frame.agents.push(change);
    }
    const changed = page.take("change", frame);
    assert.ok(changed.agents.has(id));
  }
  late.take("full", { ...head, agents: [...truth.values()], queues: [] });
  assert.deepEqual(new Map([...page.agents].sort()), new Map([...late.agents].sort()));
  assert.equal(page.names.zone, "UTC", "names stay until others come");
});

test("a_row_that_went_and_came_in_one_frame_is_new", () => {
  const rows = new Rows();
  const head = { instant: 1, "last-event": 1, now: 2, state: "ready" };
  rows.take("full", { ...head, agents: [{ "agent-id": "a", old: 1 }], queues: [] });
  rows.take("change", { ...head, gone: { agents: ["a"], queues: [] }, agents: [{ "agent-id": "a", fresh: 1 }] });
  assert.deepEqual(rows.agents.get("a"), { "agent-id": "a", fresh: 1 });
});

test("totals_add_queues_and_count_each_agent_once", () => {
  const queue = (waiting, since) => ({ "queue-size": waiting, "longest-wait-since": since, "number-in-offered": 1, "number-in-progress": 2, "day-queued": 3, "day-accepted": 2, "day-abandoned": 1 });
  const sum = totals([queue(2, 500), queue(0, null), queue(1, 300)], [{ "agent-status": 0 }, { "agent-status": 0 }, { "agent-status": 9 }]);
  assert.deepEqual([sum.waiting, sum.since, sum.offered, sum.progress], [3, 300, 3, 6]);
  assert.deepEqual([...sum.states], [[0, 2], [9, 1]]);
  assert.ok(isOf({ queues: [1, -2] }, 2) && !isOf({ queues: [1, -2] }, 2, true) && !isOf({}, 2));
});

test("totals_of_some_queues_count_their_agents_only", () => {
  const agents = [{ queues: [1, -2] }, { queues: [2] }, { queues: [3, 1] }, {}];
  assert.deepEqual(membersOf(agents, [{ "queue-id": 1 }]), [agents[0], agents[2]]);
  assert.deepEqual(membersOf(agents, [{ "queue-id": 2 }]), [agents[1]], "who is disabled counts in no queue");
  assert.deepEqual(membersOf(agents, [{ "queue-id": 1 }, { "queue-id": 3 }]), [agents[0], agents[2]], "each once");
});

test("clocks_go_on_evenly_whatever_frames_are_late", () => {
  const server = new ServerClock();
  const roll = dice(2);
  let shown = 0;
  for (let own = 0; own < 120_000; own += 250) {
    const delay = own < 1_000 ? 20 : 20 + roll() * 900;
    if (own % 1_000 === 0) server.heard(1_790_000_000_000 + own - delay, own);
    const now = server.at(own);
    if (own > 1_000) assert.ok(now - shown >= 240 && now - shown <= 1_000, `${now - shown} ms in 250`);
    shown = now;
  }
});

test("a_clock_that_was_set_is_followed_forth_at_once_and_back_with_the_next_answer", () => {
  const server = new ServerClock();
  server.heard(3_000_000, 0);
  server.heard(10_001_000, 1_000);
  assert.equal(server.at(1_000), 10_001_000);
  server.heard(5_000_000, 2_000);
  assert.ok(server.at(2_000) > 10_000_000, "as well may the frame be late");
  server.opened(5_002_000, 3_950, 4_000);
  server.heard(5_002_400, 4_100);
  assert.equal(server.at(4_100), 5_002_400);
  assert.equal(server.late(60_000), 0);
});

test("frames_that_all_come_late_are_never_taken_for_fresh_ones", () => {
  const server = new ServerClock();
  const begin = 1_790_000_000_000;
  let own = 0;
  for (; own < 20_000; own += 500) server.heard(begin + own, own + 30);
  assert.equal(server.late(own), 0);
  // Longer than any memory of single frames, and through a reconnect.
  for (; own < 900_000; own += 500) {
    server.heard(begin + own - 10_000, own);
    if (own === 400_000) server.opened(begin + own - 700, own - 60, own);
    if (own > 23_000) assert.ok(server.late(own) > 9_000, `${server.late(own)} at ${own}`);
  }
  server.heard(begin + own - 20, own);
  assert.equal(server.late(own), 0);
  const fresh = new ServerClock();
  fresh.opened(begin, 40, 100);
  fresh.heard(begin - 10_000, 150);
  fresh.heard(begin - 7_500, 2_650);
  assert.ok(fresh.late(2_650) > 9_000, "late from the first frame on");
});

test("an_answer_that_is_held_up_itself_sets_no_clock_back", () => {
  const server = new ServerClock();
  const begin = 1_790_000_000_000;
  server.heard(begin, 30);
  // From now on all is 10 s on its way, what is asked anew among it.
  for (let own = 20_000; own < 900_000; own += 500) {
    if (own % 30_000 === 0) server.opened(begin + own - 10_000, own - 10_040, own);
    server.heard(begin + own - 10_000, own);
    if (own > 23_000) assert.ok(server.late(own) > 9_000, `${server.late(own)} at ${own}`);
  }
});

const FRESH = {
  head: { instant: 99_000, lastEvent: 98_000, now: 99_100, state: "ready" },
  age: 100, now: 99_200, link: Link.open, reason: "", retryMs: 0, silentMax: 60_000,
};

test("figures_are_live_only_while_nothing_speaks_against_it", () => {
  assert.equal(judge(FRESH).grade, "live");
  const wrong = [
    ["stalled", { age: STALE_MS + 1 }],
    ["lost", { age: STALE_MS + 1, link: Link.lost }],
    ["recovering", { head: { ...FRESH.head, state: "recovering" } }],
    ["broken", { head: { ...FRESH.head, state: "broken" } }],
    ["behind", { head: { ...FRESH.head, instant: 99_100 - STALE_MS - 1 } }],
    ["behind", { head: { ...FRESH.head, instant: null } }],
    ["late", { late: STALE_MS + 1 }],
    ["refused", { link: Link.refused, reason: "revoked" }],
    ["refused", { link: Link.refused, reason: 401 }],
    ["refused", { link: Link.refused, reason: 403, head: null }],
    ["busy", { link: Link.busy, reason: 503, age: STALE_MS + 1 }],
    ["lost", { link: Link.lost, head: null }],
  ];
  for (const [cause, change] of wrong) {
    const told = judge({ ...FRESH, ...change });
    assert.deepEqual([told.grade, told.cause], ["dead", cause], JSON.stringify(change));
    assert.ok(told.title.length > 3 && told.text.length > 10, cause);
  }
  assert.equal(judge({ ...FRESH, head: null, link: Link.opening }).grade, "waiting");
  assert.equal(judge({ ...FRESH, link: Link.lost }).grade, "live", "a short break is none");
});

test("a_silent_source_is_told_of_unless_that_does_not_matter", () => {
  const silent = { ...FRESH, head: { ...FRESH.head, lastEvent: 10_000 } };
  assert.equal(judge(silent).cause, "silent");
  assert.equal(judge({ ...silent, silentMax: 0 }).grade, "live");
  assert.equal(judge({ ...FRESH, head: { ...FRESH.head, lastEvent: null } }).grade, "live");
});

const source = (name, lastEvent, steady = true) => ({ source: name, "last-event": lastEvent, steady });
const connector = (name, state, since) => ({ connector: name, state, "down-since": since });
const withHead = (head) => ({ ...FRESH, head: { ...FRESH.head, ...head } });

test("a_connection_that_is_cut_is_named_at_once_with_its_time", () => {
  const cut = withHead({ connectors: [connector("main", "connecting", 60_000), connector("west", "following", null)] });
  const told = judge({ ...cut, zone: "UTC" });
  assert.deepEqual([told.grade, told.cause, told.title], ["doubtful", "cut", "Connection cut"]);
  assert.equal(told.instant, undefined, "others go on");
  assert.match(told.text, /main since 00:01:00 \(39 s\)/);
  assert.doesNotMatch(told.text, /west/);
  assert.equal(judge({ ...cut, silentMax: 0 }).cause, "cut", "whatever is set for silence");
  assert.match(judge(withHead({ connectors: [connector("main", "stopped", 1_000)] })).title, /stopped/);
  assert.match(judge(withHead({ connectors: [connector("a", "cut", 1), connector("b", "cut", 2)] })).title, /^Connections/);
  assert.equal(judge(withHead({ connectors: [connector("main", "cut", FRESH.now - STALE_MS)] })).grade, "live", "it often comes back");
});

test("where_all_connections_are_cut_and_nobody_else_tells_anything_all_figures_are_old", () => {
  const connectors = [connector("main", "connecting", 60_000), connector("west", "cut", 70_000)];
  const told = judge(withHead({ connectors, sources: [source("asterisk/main", 60_500)] }));
  assert.deepEqual([told.grade, told.cause, told.instant], ["dead", "cut", 60_000], "of before the first cut");
  assert.equal(judge(withHead({ connectors, sources: [source("chat", 90_000)] })).grade, "doubtful", "the chat goes on");
  assert.equal(judge(withHead({ connectors })).grade, "dead");
});

test("what_people_change_in_the_browser_hides_no_silent_source", () => {
  const silent = withHead({ lastEvent: 99_000, sources: [source("pbx", 10_000)] });
  assert.deepEqual([judge(silent).cause, judge(silent).title], ["silent", "Source is silent"]);
  assert.equal(judge({ ...silent, silentMax: 0 }).grade, "live");
  assert.equal(judge(withHead({ lastEvent: 10_000, sources: [source("pbx", 99_000)] })).grade, "live");
});

test("one_source_that_falls_silent_beside_others_is_named_where_it_spoke_steadily", () => {
  const sources = [source("pbx", 98_000), source("crm", 30_000)];
  const told = judge({ ...withHead({ sources }), zone: "UTC" });
  assert.deepEqual([told.grade, told.cause], ["doubtful", "silent"]);
  assert.match(told.text, /crm since 00:00:30/);
  assert.doesNotMatch(told.text, /pbx/);
  assert.equal(judge(withHead({ sources: [sources[0], source("import", 30_000, false)] })).grade, "live");
  assert.match(judge(withHead({ sources: [sources[0], source(null, 30_000)] })).text, /without a name/);
});

test("when_an_agent_was_told_of_is_forgotten_with_the_agent", () => {
  const table = new Rows();
  const head = { "last-event": 1, now: 2, state: "ready" };
  const agents = [{ "agent-id": "a" }, { "agent-id": "b" }];
  table.take("full", { ...head, instant: 1, agents, queues: [] });
  table.take("change", { ...head, instant: 2, agents: [{ "agent-id": "b", x: 1 }], gone: { agents: ["a"], queues: [] } });
  assert.deepEqual([...table.told], [["b", 2]]);
  table.take("full", { ...head, instant: 3, agents: [{ "agent-id": "c" }], queues: [] });
  assert.deepEqual([...table.told], [["c", 3]]);
});

test("figures_read_as_people_write_them", () => {
  assert.deepEqual([0, 7, 59, 60, 754, 3_723, 90_000].map(clock), ["0:00", "0:07", "0:59", "1:00", "12:34", "1:02:03", "25:00:00"]);
  assert.deepEqual([null, undefined, -1].map(clock), ["", "", ""]);
  assert.deepEqual([500, 89_999, 90_000, 5_400_000, 172_800_000].map(duration), ["0 s", "89 s", "2 min", "2 h", "2 days"]);
  assert.equal(elapsed(5_000, 4_000), 0, "never less than nothing");
  assert.equal(elapsed(null, 4_000), null);
  assert.equal(average(0, 0), "–");
  assert.equal(average(0, -1), "–", "what goes on since yesterday has not ended");
  assert.equal(average(0, 1), "0:00");
  assert.equal(average(7, 0), "0:07");
  assert.equal(percent(-1), "–");
  assert.match(percent(80), /^80\s?%$/);
  const noon = Date.UTC(2026, 0, 1, 12, 0, 5);
  assert.equal(timeOfDay(noon, "Asia/Tokyo"), "21:00:05");
  assert.match(timeOfDay(noon, "Nowhere/Land"), /^\d\d:\d\d:05$/);
});

const QUEUE = { "queue-id": 7, "queue-size": 3, "longest-wait-since": 0, "thirty-min-sla-activity": 75, "sla-percent": 80 };

test("a_threshold_is_passed_only_beyond_it", () => {
  const at = (thresholds) => look(QUEUE, thresholds, 60_000);
  assert.equal(at({}).level, Level.watch, "below its target");
  assert.equal(at({ waiting: 3 }).level, Level.watch);
  assert.deepEqual(at({ waiting: 2 }).alarms.map(({ kind }) => kind), ["waiting"]);
  assert.equal(at({ wait: 60 }).alarms.length, 0);
  assert.deepEqual(at({ wait: 59, level: 76 }).alarms.map(({ kind }) => kind), ["wait", "level"]);
  assert.equal(look({ ...QUEUE, "thirty-min-sla-activity": -1 }, { level: 99 }, 0).level, Level.calm, "none is not low");
  assert.equal(look({ ...QUEUE, "sla-percent": null }, {}, 0).level, Level.calm);
});

test("a_queue_has_its_own_thresholds_and_those_of_all_for_the_others", () => {
  const settings = { thresholds: { "*": { waiting: 5, level: 70 }, 7: { waiting: 2 } } };
  assert.deepEqual(thresholdsOf(settings, 7), { waiting: 2, level: 70 });
  assert.deepEqual(thresholdsOf(settings, 8), { waiting: 5, level: 70 });
  const exempt = parse("alert=*:w0,l0,s99;7:w-,l-,s-");
  assert.equal(look(QUEUE, thresholdsOf(exempt, 8), 60_000).alarms.length, 3);
  assert.deepEqual(look(QUEUE, thresholdsOf(exempt, 7), 60_000).alarms, []);
});

test("kinds_of_limits_are_counted_over_all_queues", () => {
  const kinds = (alert) => kindsOf(parse(`alert=${alert}`));
  assert.deepEqual(["", "*:w0", "*:w5;115:w3", "*:w5;115:l60", "*:w5,l60,s70", "7:w-,l-,s-"].map(kinds), [0, 1, 1, 2, 3, 0]);
});

test("an_alarm_is_told_once_as_it_begins_and_again_once_it_was_over", () => {
  const alarms = new Alarms();
  assert.deepEqual(alarms.update([["7/waiting", "3 wait"]]), ["3 wait"]);
  assert.deepEqual(alarms.update([["7/waiting", "4 wait"], ["8/wait", "long"]]), ["long"]);
  assert.deepEqual(alarms.update([]), []);
  assert.deepEqual(alarms.update([["7/waiting", "5 wait"]]), ["5 wait"]);
});

test("settings_survive_the_address", () => {
  assert.equal(write(DEFAULTS), "");
  assert.deepEqual(parse(""), { ...DEFAULTS });
  const roll = dice(11);
  const pick = (list) => list[Math.floor(roll() * list.length)];
  for (let round = 0; round < 300; round++) {
    const limits = () => ({ waiting: Math.floor(roll() * 50), ...(roll() < 0.3 ? { wait: null } : {}), ...(roll() < 0.5 ? { wait: Math.floor(roll() * 900), level: Math.floor(roll() * 101) } : {}) });
    const settings = {
      ...DEFAULTS, view: pick(["queues", "agents", "queue"]), theme: pick(["auto", "light", "dark"]), size: pick(["normal", "huge"]),
      layout: pick(["auto", "cards", "table"]), columns: pick(["fit", "all"]), clock: pick(["zone", "browser"]), queue: Math.floor(roll() * 999),
      rotate: pick([0, 5, 20, 600]), pages: pick([["queues", "agents"], ["agents", "101", "queues"]]), only: pick([[], [1, 22]]), sound: roll() < 0.5, keys: roll() < 0.5,
      silent: pick([0, 10, 60]), search: pick(["", "Müller & Söhne #1", "a+b=c%"]), inQueue: pick([0, 7]), group: pick(["", "0", "12"]), state: pick(["", "in", "4"]),
      sort: pick(["name", "since"]), descending: roll() < 0.5, thresholds: pick([{}, { "*": limits() }, { "*": limits(), 115: limits() }]),
    };
    assert.deepEqual(parse(write(settings)), settings);
  }
});

test("an_address_that_makes_no_sense_changes_nothing", () => {
  for (const text of ["view=nowhere", "rotate=1", "rotate=-5", "pages=", "pages=x", "sort=__proto__", "alert=*:w,x9,s101;7;8:", "queue=1e9", "constructor=1", "theme", "only=a,b"]) {
    assert.deepEqual(parse(text), { ...DEFAULTS }, text);
  }
  assert.deepEqual(parse("alert=*:w5,s200;9:l30").thresholds, { "*": { waiting: 5 }, 9: { wait: 30 } });
});

const rows = new Rows();
rows.names = { zone: "UTC", groups: { 3: "North" }, codes: { 1: { name: "Breaks", items: { 5: { "short-code": "lun", name: "Lunch" } } } } };
const AGENT = { "agent-id": "j.doe", "agent-name": "Jo Doe", "agent-status": 4, "group-id": 3, queues: [7, -8], "status-code-list-id": 1, "status-code-item-id": 5, "status-code-item-short-code": "lun" };

test("filters_leave_who_matches_all_of_them", () => {
  const none = { search: "", inQueue: 0, group: "", state: "" };
  const passing = [{}, { search: "doe JO" }, { search: "lunch" }, { search: "north" }, { inQueue: 7 }, { inQueue: 8 }, { group: "3" }, { state: "4" }, { state: "in" }];
  for (const filter of passing) assert.ok(passes(AGENT, rows, { ...none, ...filter }), JSON.stringify(filter));
  for (const filter of [{ search: "roe" }, { inQueue: 9 }, { group: "0" }, { state: "0" }, { search: "jo", inQueue: 9 }]) {
    assert.ok(!passes(AGENT, rows, { ...none, ...filter }), JSON.stringify(filter));
  }
  assert.ok(!passes({ ...AGENT, "agent-status": 9 }, rows, { ...none, state: "in" }));
});

test("every_column_orders_and_shows_every_agent", () => {
  const board = { rows, now: 100_000, zone: "UTC", told: new Map([["j.doe", 90_000]]) };
  const agent = { ...AGENT, "status-since": 40_000, "phone-line1-status": 1, "phone-line1-status-since": 95_000, "phone-line2-status": -1, "phone-line2-status-since": null, "day-login-time": 100, "last-login-time": 0 };
  for (const field of ["day-accepted-count", "day-rejected-count", "day-avg-processing-time", "day-available-time", "day-processing-time", "day-wrap-up-time", "day-break-time", "day-offline-time", "thirty-min-accepted-count", "thirty-min-avg-handling-time", "agent-media-id", "enabled-skill-count", "assigned-skill-count"]) agent[field] = 1;
  for (const { key, value, text } of COLUMNS) {
    assert.notEqual(value(agent, rows), undefined, key);
    if (text) assert.equal(typeof text(agent, board), "string", key);
  }
  const shown = Object.fromEntries(COLUMNS.filter(({ text }) => text).map(({ key, text }) => [key, text(agent, board)]));
  assert.equal(shown.state, "On break · Lunch");
  assert.equal(shown.since, "1:00");
  const working = { ...agent, "agent-status": 2, "day-avg-processing-time": 0, "thirty-min-avg-handling-time": 0 };
  for (const key of ["processing", "handling"]) {
    const { text } = COLUMNS.find((column) => column.key === key);
    assert.equal(text(working, board), "–", "its only one has not ended");
    assert.equal(text({ ...working, "agent-status": 0 }, board), "0:00");
  }
  assert.equal(shown.line1, "On hold 0:05");
  assert.equal(shown.login, "1:50", "a total runs on while it lasts");
  assert.equal(shown.broken, "0:11");
  assert.equal(shown.free, "0:01", "another stands still");
});

test("equals_keep_their_places_in_either_direction", () => {
  const sorted = (descending) => [["b", 1], ["a", 1], ["c", 0]].sort(([leftId, left], [rightId, right]) => compare(left, right, leftId, rightId, descending)).map(([id]) => id);
  assert.deepEqual(sorted(false), ["c", "a", "b"]);
  assert.deepEqual(sorted(true), ["a", "b", "c"]);
  assert.ok(compare("Agent 9", "agent 10", "x", "y", false) < 0, "numbers in names count as numbers");
});

test("a_rotation_goes_round_and_skips_what_is_gone", () => {
  const has = (queue) => queue !== 3;
  assert.equal(following(["queues", "3", "agents", "7"], "queues", has), "agents");
  assert.equal(following(["queues", "3", "agents", "7"], "7", has), "queues");
  assert.equal(following(["3"], "queues", has), "queues");
  assert.equal(following(["agents"], "queues", has), "agents");
  assert.equal(nextScroll({ top: 0, height: 100, total: 100 }), undefined);
  assert.equal(nextScroll({ top: 0, height: 100, total: 120 }), 20);
  assert.equal(nextScroll({ top: 0, height: 100, total: 500 }), 90);
  assert.equal(nextScroll({ top: 400, height: 100, total: 500 }), undefined);
});

test("a_minute_without_a_point_is_as_the_one_before_until_nobody_measured", () => {
  const trends = new Trends();
  const minute = 60_000;
  const now = HOURS * 60 * minute;
  trends.replace({ points: [
    { time: now - 100 * minute, queues: [[7, 3, 80, 0, 0]] },
    { time: now - 40 * minute, queues: [[8, 1, -1, 0, 0]] },
  ] });
  const steps = trends.steps(7, now, HOURS);
  assert.equal(steps[0], null, "nothing is known yet");
  assert.deepEqual(steps.at(-2), { waiting: 3, level: 80 });
  assert.deepEqual(steps.at(-1), { waiting: 0, level: -1 }, "nothing is held for so long");
  const minutes = trends.steps(7, now, HOURS * 60);
  assert.deepEqual(minutes.at(-92), { waiting: 3, level: 80 }, "it is held for a while");
  assert.equal(minutes.at(-80), null, "nobody measured");
  assert.equal(trends.steps(8, now, HOURS * 60).at(-1), null);
  trends.add({ time: now - 50 * minute, queues: [] });
  assert.equal(trends.points.length, 2, "an old point is not taken again");
  trends.add({ time: now + HOURS * 60 * minute, queues: [] });
  assert.equal(trends.points.length, 1, "what is too old is dropped");
});

test("a_point_that_comes_while_the_points_are_loaded_stays", () => {
  const trends = new Trends();
  const point = (minute) => ({ time: minute * 60_000, queues: [] });
  trends.add(point(9));
  trends.add(point(10));
  trends.replace({ points: [point(8), point(9)] });
  assert.deepEqual(trends.points.map(({ time }) => time / 60_000), [8, 9, 10]);
});

test("pictures_leave_gaps_where_there_was_nothing", () => {
  const steps = [null, { waiting: 0, level: -1 }, { waiting: 4, level: 50 }, { waiting: 2, level: 100 }];
  assert.equal(areaPath([null, null], 4), "");
  assert.match(areaPath(steps, 4, 4, 10), /^M1 10V10H2V2H3V6H4V10Z$/);
  assert.equal(areaPath([steps[2], null, steps[2]], 4, 3, 10), "M0 10V2H1V10ZM2 10V2H3V10Z");
  assert.equal((linePath(steps).match(/M/g) ?? []).length, 1);
  assert.equal((linePath([steps[2], steps[1], steps[3]]).match(/M/g) ?? []).length, 2);
});

test("cards_are_as_large_as_lets_all_be_seen", () => {
  for (let count = 1; count <= 60; count++) {
    for (const [width, height] of [[22, 40], [84, 45], [105, 55]]) {
      const { columns, scale } = fit(count, width, height);
      assert.ok(columns >= 1 && columns <= count && scale >= 0.8 && scale <= 3.2, `${count} in ${width}x${height}: ${columns}, ${scale}`);
    }
  }
  assert.deepEqual([1, 2, 6].map((count) => fit(count, 105, 55).columns), [1, 2, 3]);
  const sizes = [0, 1, 2, 3].map((kinds) => fit(6, 105, 55, kinds).scale);
  assert.ok(sizes[0] > sizes[1] && sizes[1] > sizes[2] && sizes[2] === sizes[3], `room for alarms: ${sizes}`);
});

test("agents_of_a_queue_come_by_interest_then_by_time", () => {
  const agent = (id, status, since, queues = [7]) => [id, { "agent-id": id, "agent-status": status, "status-since": since, queues }];
  const agents = new Map([agent("out", 9, 1), agent("late", 0, 9), agent("early", 0, 2), agent("ringing", 1, 5), agent("disabled", 0, 1, [-7]), agent("other", 0, 1, [8])]);
  assert.deepEqual(agentsOf(agents, 7).map((row) => row["agent-id"]), ["ringing", "early", "late", "out"]);
});
