// Measures the wallboard with 2 000 agents in Chromium: bytes and time of the first paint, and scripting per update.
//
//     node measure-wallboard.mjs [agents] [seconds]
//
// It starts a server of its own, keeps a tenth of the agents changing, and reads the page's own measures (`update`) and
// the browser's trace of scripting.


import { closeBrowser, contextOptions, theBrowser } from "./chromium.mjs";
import { Server } from "./server.mjs";
import { signedIn } from "./wallboard.mjs";

const [agents = 2_000, seconds = 15] = process.argv.slice(2).map(Number);
const QUEUES = 40;

const server = new Server();
const tenant = server.addTenant("acme", "UTC");
await server.start();
const post = async (events) => {
  const body = events.map((event) => JSON.stringify({ time: Date.now(), ...event })).join("\n");
  const answer = await server.request("POST", "/api/rtstats/events", { body, user: tenant.name, password: tenant.actionToken });
  if (answer.status !== 200) throw new Error(answer.text);
};

const queues = Array.from({ length: QUEUES }, (_, place) => 101 + place);
await post(queues.map((queue) => ({ type: "queue.configured", queue, name: `Queue ${queue}`, media: "phone", sla: { percent: 80, within_seconds: 20 } })));
const names = Array.from({ length: agents }, (_, place) => `agent${String(place).padStart(5, "0")}`);
for (let at = 0; at < agents; at += 500) {
  await post(names.slice(at, at + 500).flatMap((agent, place) => [
    { type: "agent.configured", agent, name: `Agent ${String((at + place) * 7919 % agents).padStart(5, "0")}` },
    ...[0, 1, 2].map((step) => ({ type: "assignment.set", agent, queue: queues[(place + step * 7) % QUEUES], assigned: true })),
    { type: "agent.status", agent, status: "available" },
  ]));
}

const browser = await theBrowser();
const results = [];
for (const [view, fragment] of [
  ["queues", "#view=queues&layout=auto"],
  ["queues as cards", "#view=queues&layout=cards"],
  ["agents", "#view=agents&sort=name"],
  ["agents by time in state", "#view=agents&sort=since"],
  ["agents by accepted", "#view=agents&sort=-accepted&columns=all"],
  ["one queue", "#view=queue&queue=101"],
]) results.push([view, await measure(fragment)]);

for (const [view, { bytes, paint, ready, updates, scripting }] of results) {
  const of = (share) => updates[Math.min(updates.length - 1, Math.floor(updates.length * share))]?.toFixed(1);
  console.log(`${view.padEnd(24)} ${(bytes / 1000).toFixed(1)} kB, first paint ${paint.toFixed(0)} ms, figures ${ready.toFixed(0)} ms; ` +
    `${updates.length} updates: median ${of(0.5)}, 99th ${of(0.99)}, worst ${of(1)} ms; scripting ${scripting.toFixed(1)} ms per update`);
}
await closeBrowser();
await server.close();

async function measure(fragment) {
  const context = await browser.newContext({ baseURL: server.address, ...contextOptions({ width: 1920, height: 1080 }) });
  const page = await signedIn({ tenant, page: () => context.newPage() });
  await page.goto("about:blank");
  const session = await context.newCDPSession(page);
  await session.send("Network.enable");
  await session.send("Network.setCacheDisabled", { cacheDisabled: true });
  const kinds = new Map();
  let bytes = 0;
  session.on("Network.responseReceived", ({ requestId, response }) => kinds.set(requestId, response.url));
  session.on("Network.loadingFinished", ({ requestId, encodedDataLength }) => {
    if (/wallboard/.test(kinds.get(requestId) ?? "")) bytes += encodedDataLength;
  });
  await session.send("Performance.enable");
  await page.goto(`/wallboard${fragment}`);
  await page.locator(".view:not([hidden])").waitFor();
  const ready = await page.evaluate(() => performance.getEntriesByName("update")[0]?.startTime ?? performance.now());
  const paint = await page.evaluate(() => performance.getEntriesByName("first-contentful-paint")[0].startTime);
  await page.evaluate(() => performance.clearMeasures());
  const script = async () => (await session.send("Performance.getMetrics")).metrics.find(({ name }) => name === "ScriptDuration").value * 1000;
  const before = await script();
  const end = Date.now() + seconds * 1000;
  for (let round = 0; Date.now() < end; round++) {
    const changing = Array.from({ length: Math.ceil(agents / 50) }, (_, place) => names[(round * 131 + place * 37) % agents]);
    await post(changing.flatMap((agent, place) => {
      const transaction = `${fragment}/${round}/${place}`;
      const queue = queues[place % QUEUES];
      return place % 3 === 0
        ? [{ type: "agent.status", agent, status: round % 2 ? "available" : "on-break" }]
        : [{ type: "transaction.queued", transaction, queue }, { type: "transaction.accepted", transaction, agent }, { type: "transaction.completed", transaction, agent }];
    }));
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  const scripted = (await script()) - before;
  const updates = await page.evaluate(() => performance.getEntriesByName("update").map(({ duration }) => duration));
  await context.close();
  updates.sort((left, right) => left - right);
  return { bytes, paint, ready, updates, scripting: scripted / updates.length };
}
