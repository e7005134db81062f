// A process of the real binary for tests and pictures: with a data folder of its own, on ports that were free.

import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import https from "node:https";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";

import { Tenant } from "./tenant.mjs";

const ROOT = path.dirname(path.dirname(fileURLToPath(import.meta.url)));

/** The binary under test. */
export const BINARY =
  process.env.RTSTATS_BINARY ?? path.join(process.env.CARGO_TARGET_DIR ?? path.join(ROOT, "target"), "debug/rtstats");

/** Longer than anything here takes on a busy machine. */
export const PATIENCE_MS = 60_000;

/** The tests' environment without the settings of whoever runs them. */
const ENVIRONMENT = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !name.startsWith("RTSTATS_")),
);

/** Processes that run: none outlives this one. */
const running = new Set();
process.on("exit", () => running.forEach((child) => child.kill("SIGKILL")));

/** A server at work. `address` and `admin` are its origins, without a slash at the end. */
export class Server {
  #child;
  #flags;
  #demo;
  log = "";

  /** A new data folder and, unless it is the demo, no tenant yet. */
  constructor({ flags = [], demo = false } = {}) {
    this.folder = mkdtempSync(path.join(os.tmpdir(), "rtstats-browser-"));
    this.data = path.join(this.folder, "data");
    this.#flags = flags;
    this.#demo = demo;
  }

  /** Runs a command of the binary on the data folder; its standard output. */
  command(...args) {
    const options = { env: ENVIRONMENT, encoding: "utf8" };
    const done = spawnSync(BINARY, [...args, "--data", this.data], options);
    if (done.error) throw new Error(`can't run ${BINARY}: ${done.error.message}`);
    if (done.status !== 0) throw new Error(`rtstats ${args.join(" ")}: ${done.stderr}`);
    return done.stdout.trim();
  }

  /** Adds a tenant with both tokens. */
  addTenant(name, timezone = "UTC") {
    this.command("tenant", "add", name, "--timezone", timezone);
    return new Tenant(name, this.command("token", "new", name, "data"), this.command("token", "new", name, "action"));
  }

  /** Flags of its next start, besides those that it has. */
  addFlags(...flags) {
    this.#flags = [...this.#flags, ...flags];
  }

  /** Starts the process, on the ports that it had before if it has run already, and waits until it is ready. */
  async start() {
    const origin = (url) => (url ? new URL(url).host.replace("localhost", "127.0.0.1") : "127.0.0.1:0");
    const args = [this.#demo ? "demo" : "serve", "--data", this.data];
    args.push("--listen", origin(this.address), "--admin-listen", origin(this.admin), ...this.#flags);
    const child = spawn(BINARY, args, { env: ENVIRONMENT, stdio: ["ignore", "pipe", "pipe"] });
    this.#child = child;
    running.add(child);
    child.once("exit", () => running.delete(child));
    const begin = this.log.length;
    const heard = new Promise((resolve, reject) => {
      const hear = (chunk) => {
        this.log += chunk;
        const told = this.log.slice(begin);
        // `serve` tells them in its log, the demo in its introduction.
        const address = /serving (?:https?:\/\/)[^\s"]*:(\d+)|https:\/\/localhost:(\d+)\/api/.exec(told);
        const admin = /pages at (http:\/\/[^\s"/]+)|pages {2,}(http:\/\/[^\s"/]+)/.exec(told);
        if (address && admin) resolve([address[1] ?? address[2], admin[1] ?? admin[2]]);
      };
      child.stdout.setEncoding("utf8").on("data", hear);
      child.stderr.setEncoding("utf8").on("data", hear);
      child.once("error", reject);
      child.once("exit", (code, signal) => reject(new Error(`the server ended (${code ?? signal}):\n${this.log}`)));
    });
    const [port, admin] = await inTime(heard, () => `the server does not listen:\n${this.log}`);
    this.address = `https://localhost:${port}`;
    this.admin = admin;
    await this.#untilReady();
  }

  async #untilReady() {
    const deadline = Date.now() + PATIENCE_MS;
    for (;;) {
      const answer = await fetch(`${this.admin}/readyz`);
      if (answer.status === 200) return;
      if (Date.now() > deadline) throw new Error(`the server gets not ready: ${await answer.text()}\n${this.log}`);
    }
  }

  /** Stops it as an operator does, and waits until it has ended. */
  async stop() {
    await this.#end("SIGTERM");
  }

  /** As `kill -9`, and waits until it has ended. */
  async kill() {
    await this.#end("SIGKILL");
  }

  /** Stops it and starts it again, on the same ports and data. */
  async restart() {
    await this.stop();
    await this.start();
  }

  /** The process stands still: connections stay open, and nothing comes. */
  pause() {
    this.#child.kill("SIGSTOP");
  }

  /** Ends a pause. */
  resume() {
    this.#child.kill("SIGCONT");
  }

  async #end(signal) {
    const child = this.#child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, "exit");
    child.kill("SIGCONT");
    child.kill(signal);
    await inTime(ended, () => `the server does not stop:\n${this.log}`);
  }

  /** Ends the process and removes its folder. */
  async close() {
    await this.kill();
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** One request over TLS, the server's certificate trusted: `{status, headers, text, json()}`. */
  async request(method, where, { body, headers = {}, user, password } = {}) {
    const ca = readFileSync(path.join(this.data, "tls/cert.pem"));
    const auth = user === undefined ? undefined : `${user}:${password}`;
    const request = https.request(new URL(where, this.address), { method, headers, auth, ca, agent: false });
    const answered = once(request, "response");
    request.end(body);
    const [answer] = await answered;
    let text = "";
    for await (const chunk of answer.setEncoding("utf8")) text += chunk;
    return { status: answer.statusCode, headers: answer.headers, text, json: () => JSON.parse(text) };
  }
}

/** What a promise comes to, or an error once patience is at its end. */
export async function inTime(promise, message) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(message())), PATIENCE_MS);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
