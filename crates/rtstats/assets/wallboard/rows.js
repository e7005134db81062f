// What the feed has told: rows by id, names, and the head of the last frame. Pure.

const IDS = { agents: "agent-id", queues: "queue-id" };

/** The table of a page. */
export class Rows {
  agents = new Map();
  queues = new Map();
  names = { zone: "", groups: {}, codes: {} };
  /** Head of the last frame; none before the first. */
  head = null;
  /** When the feed last told of each agent. */
  told = new Map();

  /** Takes a frame; gives the ids of the rows that came, changed or went, by list, and whether all is new. */
  take(name, frame) {
    const full = name === "full";
    const changed = { full, agents: new Set(), queues: new Set(), names: frame.names !== undefined };
    for (const list of ["agents", "queues"]) {
      const rows = this[list];
      if (full) {
        for (const id of rows.keys()) changed[list].add(id);
        rows.clear();
      }
      for (const id of frame.gone?.[list] ?? []) {
        rows.delete(id);
        changed[list].add(id);
      }
      for (const row of frame[list] ?? []) {
        const id = row[IDS[list]];
        const known = rows.get(id);
        if (known) Object.assign(known, row);
        else rows.set(id, row);
        changed[list].add(id);
      }
    }
    if (frame.names) this.names = frame.names;
    const { instant, now, state, sources = [], connectors = [] } = frame;
    this.head = { instant, lastEvent: frame["last-event"], now, state, sources, connectors };
    for (const id of changed.agents) {
      if (this.agents.has(id)) this.told.set(id, instant);
      else this.told.delete(id);
    }
    return changed;
  }

  /** Name of an agent's group; its number where it has no name, empty where it has no group. */
  group(agent) {
    const group = agent["group-id"];
    return group === 0 ? "" : (this.names.groups[group] ?? `Group ${group}`);
  }

  /** Name of the status code that an agent shows; empty where there is none. */
  code(agent) {
    const item = this.names.codes[agent["status-code-list-id"]]?.items[agent["status-code-item-id"]];
    return item?.name ?? agent["status-code-item-short-code"] ?? "";
  }
}

/** Totals over queues and agents, for the line at the top. */
export function totals(queues, agents) {
  const sum = { waiting: 0, since: null, offered: 0, progress: 0, queued: 0, accepted: 0, abandoned: 0 };
  for (const queue of queues) {
    sum.waiting += queue["queue-size"];
    sum.offered += queue["number-in-offered"];
    sum.progress += queue["number-in-progress"];
    sum.queued += queue["day-queued"];
    sum.accepted += queue["day-accepted"];
    sum.abandoned += queue["day-abandoned"];
    const since = queue["longest-wait-since"];
    if (since !== null && (sum.since === null || since < sum.since)) sum.since = since;
  }
  const states = new Map();
  for (const agent of agents) states.set(agent["agent-status"], (states.get(agent["agent-status"]) ?? 0) + 1);
  return { ...sum, states };
}

/** Agents who are enabled for any of these queues. */
export function membersOf(agents, queues) {
  const shown = new Set(queues.map((queue) => queue["queue-id"]));
  return agents.filter((agent) => (agent.queues ?? []).some((queue) => shown.has(queue)));
}

/** Whether an agent is assigned to a queue; `enabledOnly` leaves out where it is disabled. */
export function isOf(agent, queue, enabledOnly = false) {
  const queues = agent.queues ?? [];
  return queues.includes(queue) || (!enabledOnly && queues.includes(-queue));
}
