// Makes the pictures of pages.mjs from the demo: `node screenshots.mjs FOLDER [WORD …]`, with words only those whose names
// hold one. Run by `cargo xtask screenshots`, which sees to the binary and to Chromium.

import { mkdirSync } from "node:fs";
import path from "node:path";

import { closeBrowser, contextOptions, theBrowser } from "./chromium.mjs";
import { PAGES, PEOPLE } from "./pages.mjs";
import { Server } from "./server.mjs";
import { demoTenant } from "./tenant.mjs";

/** What each of PEOPLE is signed in by, from the first picture that asks for it on. */
const sessions = new Map();

/** The cookies of whoever in PEOPLE is called `who`. */
function signedInAs(who, server, tenant) {
  if (!sessions.has(who)) sessions.set(who, signUp(who, server, tenant));
  return sessions.get(who);
}

async function signUp(who, server, tenant) {
  const context = await newContext(await theBrowser(), server, {});
  const page = await context.newPage();
  await PEOPLE[who](page, { server, tenant, cookiesOf: (other) => signedInAs(other, server, tenant) });
  const state = await context.storageState();
  await context.close();
  return state;
}

const newContext = (browser, server, options) =>
  browser.newContext({ baseURL: server.address, ...contextOptions(options) });

async function picture(server, tenant, rush, folder, page) {
  const { name, path: where, signedIn = false, as, prepare, busy = false, ...options } = page;
  const browser = await theBrowser();
  const credentials = { username: tenant.name, password: tenant.dataToken };
  const httpCredentials = signedIn ? credentials : undefined;
  const storageState = as && (await signedInAs(as, server, tenant));
  const context = await newContext(browser, server, { httpCredentials, storageState, ...options });
  try {
    const opened = await context.newPage();
    await opened.goto(where);
    await prepare?.(opened, tenant);
    if (busy) {
      // Simulated agents come back from breaks and from calls of their own.
      await rush.occupy();
      await opened.waitForTimeout(PUSHED_MS);
    }
    const file = path.join(folder, `${name}.png`);
    await opened.screenshot({ path: file, animations: "disabled" });
    console.log(file);
  } finally {
    await context.close();
  }
}

/** How many calls wait in each queue where more come in than can be taken. */
const WAITING = new Map([[101, 3], [102, 1]]);

/** What is pushed is shown by then. */
const PUSHED_MS = 500;

/** A quiet centre shows little: in a rush calls wait, and as with any ACD only where nobody is free. */
class Rush {
  #server;
  #tenant;
  #calls = 0;

  constructor(server, tenant) {
    this.#server = server;
    this.#tenant = tenant;
  }

  async begin() {
    await this.occupy();
    await this.#post([...WAITING].flatMap(([queue, calls]) => Array.from({ length: calls }, () => this.#queued(queue))));
  }

  /** Gives a call to whoever is free in these queues. */
  async occupy() {
    const calls = (await this.#free()).flatMap(([agent, queue]) => {
      const queued = this.#queued(queue);
      return [queued, { type: "transaction.accepted", transaction: queued.transaction, agent }];
    });
    if (calls.length > 0) await this.#post(calls);
  }

  #queued(queue) {
    return { type: "transaction.queued", transaction: `rush-${this.#calls++}`, queue };
  }

  /** Agents who are available and have nothing to do, each with a queue of the rush. */
  async #free() {
    // The documents of agents are some seconds old; the state is of now.
    const state = await this.#ask("GET", "/api/rtstats/state", this.#tenant.actionToken);
    const events = state.split("\n").filter((line) => line !== "").map((line) => JSON.parse(line));
    const at = (type) => events.filter((event) => event.type === type);
    const occupied = new Set(events.filter(({ type }) => type.startsWith("transaction.")).map(({ agent }) => agent));
    const available = at("agent.status").filter(({ agent, status }) => status === "available" && !occupied.has(agent));
    const enabled = at("assignment.set").filter((event) => event.assigned && event.enabled !== false && WAITING.has(event.queue));
    const queuesOf = (free) => enabled.filter(({ agent }) => agent === free).map(({ queue }) => queue);
    const free = available.map(({ agent }) => [agent, queuesOf(agent)]).filter(([, queues]) => queues.length > 0);
    return free.map(([agent, queues], place) => [agent, queues[place % queues.length]]);
  }

  async #post(events) {
    const body = events.map((event) => JSON.stringify({ time: Date.now(), ...event })).join("\n");
    await this.#ask("POST", "/api/rtstats/events", this.#tenant.actionToken, body);
  }

  async #ask(method, where, password, body) {
    const answer = await this.#server.request(method, where, { body, user: this.#tenant.name, password });
    if (answer.status !== 200) throw new Error(`${method} ${where} is refused: ${answer.text}`);
    return answer.text;
  }
}

const [folder, ...words] = process.argv.slice(2);
if (folder === undefined) {
  console.error("usage: node screenshots.mjs FOLDER [WORD …]");
  process.exit(2);
}
const chosen = PAGES.filter(({ name }) => words.length === 0 || words.some((word) => name.includes(word)));
if (chosen.length === 0) {
  console.error(`no picture of pages.mjs is named so: ${words.join(" ")}`);
  process.exit(1);
}
mkdirSync(folder, { recursive: true });
const server = new Server({ demo: true });
try {
  await server.start();
  const tenant = demoTenant(server.log);
  const rush = new Rush(server, tenant);
  await rush.begin();
  for (const page of chosen) await picture(server, tenant, rush, folder, page);
} finally {
  await closeBrowser();
  await server.close();
}
