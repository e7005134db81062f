// What a test in a browser begins with. A test looks so:
//
//     import test from "node:test";
//     import { start } from "../fixture.mjs";
//
//     test("the_wallboard_shows_a_call_that_waits", async (t) => {
//       const world = await start(t);
//       await world.post({ type: "queue.configured", queue: 115, name: "Sales", media: "phone" });
//       const page = await world.page({ theme: "dark", width: 360 });
//       await page.goto("/wallboard");
//       await page.getByText("Sales").waitFor();
//       await world.axe(page);
//     });
//
// `start` gives each test a server process of its own; whatever a test opened is closed after it. A test fails by itself
// if a page logs an error, breaks its Content-Security-Policy, throws, or asks another host for anything. No sleeps:
// Playwright's locators wait (`waitFor`, `expect`-like polling by `world.until`).

import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { after } from "node:test";
import { fileURLToPath } from "node:url";

import axeCore from "axe-core";

import { closeBrowser, contextOptions, theBrowser } from "./chromium.mjs";
import { PATIENCE_MS, Server } from "./server.mjs";
import { demoTenant } from "./tenant.mjs";

/** Where pictures and what failed tests leave go. */
export const OUTPUT =
  process.env.RTSTATS_BROWSER_OUTPUT ??
  path.join(path.dirname(path.dirname(fileURLToPath(import.meta.url))), "target/browser");

/** Of one rule that is broken in many places a few show the cause. */
const PLACES_TOLD_MAX = 5;

after(closeBrowser);

/**
 * A fresh server with the tenant `acme`, for the test `t`.
 *
 * Options: `flags` of `rtstats serve`; `timezone` of the tenant; `demo: true` serves the simulated contact centre of
 * `rtstats demo` instead.
 */
export async function start(t, { flags = [], timezone = "UTC", demo = false } = {}) {
  const world = new World(t, new Server({ flags, demo }));
  t.after(() => world.end());
  if (!demo) world.tenant = world.server.addTenant("acme", timezone);
  await world.server.start();
  if (demo) world.tenant = demoTenant(world.server.log);
  return world;
}

class World {
  #test;
  #contexts = [];
  #problems = [];
  #allowed = [];

  constructor(test, server) {
    this.#test = test;
    /** The process: `address`, `admin`, `log`, `kill()`, `stop()`, `start()`, `restart()`, `pause()`, `resume()`. */
    this.server = server;
  }

  /** Posts events, which get the present instant if they have no `time`; the answer must be 200. */
  async post(...events) {
    const lines = events.flat().map((event) => JSON.stringify({ time: Date.now(), ...event }));
    const { name: user, actionToken: password } = this.tenant;
    const sent = { body: lines.join("\n"), user, password };
    const answer = await this.server.request("POST", "/api/rtstats/events", sent);
    assert.equal(answer.status, 200, answer.text);
    return answer.json();
  }

  /** Reads a path with the Data Request Token. */
  get(where) {
    const { name: user, dataToken: password } = this.tenant;
    return this.server.request("GET", where, { user, password });
  }

  /**
   * A page in a browser profile of its own, whose addresses may leave the origin out.
   *
   * Options: `theme` (`light`, `dark`), `width`, `height`, `javaScript: false`, `reducedMotion` (`reduce`,
   * `no-preference`), and whatever else Playwright's `browser.newContext` takes.
   */
  async page(options = {}) {
    const browser = await theBrowser();
    const context = await browser.newContext({ baseURL: this.server.address, ...contextOptions(options) });
    context.setDefaultTimeout(PATIENCE_MS / 2);
    this.#contexts.push(context);
    context.on("page", (page) => this.#watch(page));
    return context.newPage();
  }

  /** Another page in the same profile: same cookies, same storage. */
  async pageBeside(page) {
    return page.context().newPage();
  }

  #watch(page) {
    page.on("console", (message) => {
      if (message.type() === "error") this.#problem(page, `${message.text()} (${message.location().url})`);
    });
    page.on("pageerror", (error) => this.#problem(page, `thrown: ${error.stack ?? error}`));
    page.on("request", (request) => {
      const url = new URL(request.url());
      const own = url.origin === this.server.address || ["data:", "blob:"].includes(url.protocol);
      if (!own) this.#problem(page, `asks another host: ${url}`);
    });
  }

  #problem(page, what) {
    this.#problems.push(`${new URL(page.url()).pathname}: ${what}`);
  }

  /** Errors in the console that are meant: `world.allowErrors(/401/)`, for the whole test. */
  allowErrors(...patterns) {
    this.#allowed.push(...patterns);
  }

  /** Fails unless axe finds nothing. Options are axe's, `rules` and the like. */
  async axe(page, options = {}) {
    await page.evaluate(axeCore.source);
    const found = await page.evaluate((given) => globalThis.axe.run(globalThis.document, given), {
      resultTypes: ["violations"],
      ...options,
    });
    const told = found.violations.map(({ id, help, nodes }) => {
      const places = nodes.slice(0, PLACES_TOLD_MAX).map((node) => `    ${node.html}\n      ${node.failureSummary.replaceAll("\n", "\n      ")}`);
      return `  ${id}: ${help} (${nodes.length} places)\n${places.join("\n")}`;
    });
    assert.equal(told.length, 0, `axe at ${page.url()}:\n${told.join("\n")}`);
  }

  /** Fails if the page can be scrolled sideways. */
  async fitsInWidth(page) {
    const [needed, there] = await page.evaluate(() => {
      const root = globalThis.document.documentElement;
      return [root.scrollWidth, root.clientWidth];
    });
    assert.ok(needed <= there, `${page.url()} is ${needed} px wide in a window of ${there} px`);
  }

  /** Asks again and again until the answer is truthy; fails with the last one once patience is at its end. */
  async until(question, message = "what was waited for does not come") {
    const deadline = Date.now() + PATIENCE_MS;
    for (;;) {
      const answer = await question();
      if (answer) return answer;
      assert.ok(Date.now() < deadline, `${message}: ${answer}`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  /** A picture of the whole page, as `name`.png in the folder of pictures; its path. */
  async screenshot(page, name) {
    mkdirSync(OUTPUT, { recursive: true });
    const file = path.join(OUTPUT, `${name}.png`);
    await page.screenshot({ path: file, fullPage: true, animations: "disabled" });
    return file;
  }

  /** What pages complained of so far, but for what is allowed. */
  problems() {
    return this.#problems.filter((problem) => !this.#allowed.some((pattern) => pattern.test(problem)));
  }

  /** Closes all that the test opened; fails the test for what its pages complained of. */
  async end() {
    const problems = this.problems();
    try {
      if (problems.length > 0 || !this.#test.passed) await this.#leaveTraces();
    } finally {
      for (const context of this.#contexts) await context.close();
      await this.server.close();
    }
    assert.deepEqual(problems, [], "pages complained");
  }

  /** What a failed test leaves: a picture of each page, and the server's log. */
  async #leaveTraces() {
    const base = `failed-${this.#test.name.replaceAll(/[^\w-]+/g, "-")}`;
    const pages = this.#contexts.flatMap((context) => context.pages());
    for (const [index, page] of pages.entries()) {
      const file = await this.screenshot(page, pages.length === 1 ? base : `${base}-${index + 1}`).catch(String);
      this.#test.diagnostic(`picture: ${file}`);
    }
    mkdirSync(OUTPUT, { recursive: true });
    const log = path.join(OUTPUT, `${base}.log`);
    writeFileSync(log, this.server.log);
    this.#test.diagnostic(`the server's log: ${log}`);
  }
}
