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

async function picture(server, tenant, folder, page) {
  const { name, path: where, signedIn = false, as, prepare, ...options } = page;
  const browser = await theBrowser();
  const credentials = { username: tenant.name, password: tenant.dataToken };
  const httpCredentials = signedIn ? credentials : undefined;
  const storageState = as && (await signedInAs(as, server, tenant));
  const context = await newContext(browser, server, { httpCredentials, storageState, ...options });
  try {
    const opened = await context.newPage();
    await opened.goto(where);
    await prepare?.(opened, tenant);
    const file = path.join(folder, `${name}.png`);
    await opened.screenshot({ path: file, animations: "disabled" });
    console.log(file);
  } finally {
    await context.close();
  }
}

/** A quiet centre shows little: calls come in for which nobody is free. */
async function rush(server, tenant) {
  const begin = Date.now() - 95_000;
  const calls = [101, 101, 101, 102, 103].map((queue, number) => ({
    time: begin + 14_000 * number, type: "transaction.queued", transaction: `rush-${number}`, queue, channel: "phone",
  }));
  const body = calls.map((call) => JSON.stringify(call)).join("\n");
  const answer = await server.request("POST", "/api/rtstats/events", { body, user: tenant.name, password: tenant.actionToken });
  if (answer.status !== 200) throw new Error(`calls are refused: ${answer.text}`);
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
  await rush(server, tenant);
  for (const page of chosen) await picture(server, tenant, folder, page);
} finally {
  await closeBrowser();
  await server.close();
}
