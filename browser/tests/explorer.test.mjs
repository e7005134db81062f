// The page that explores the API.

import assert from "node:assert/strict";
import test from "node:test";

import { start } from "../fixture.mjs";

const EXPLORER = "/api/explorer";

async function opened(world, options) {
  const page = await world.page(options);
  await page.goto(EXPLORER);
  return page;
}

async function signIn(world, page) {
  await page.getByLabel("Tenant").fill(world.tenant.name);
  await page.getByLabel("Data Request Token").fill(world.tenant.dataToken);
  await page.getByLabel("Action Request Token").fill(world.tenant.actionToken);
}

test("an_operation_is_tried_by_the_keyboard_alone", async (t) => {
  const world = await start(t);
  await world.post({ type: "queue.configured", queue: 115, name: "Sales", media: "phone" });
  const page = await opened(world);
  await signIn(world, page);
  const form = page.locator("#readQueuesIn form");
  await form.locator("select").focus();
  await page.keyboard.press("Enter");
  await form.getByRole("button", { name: /^Send/ }).focus();
  await page.keyboard.press("Enter");
  await form.getByText("200 in").waitFor();
  const body = form.getByRole("group", { name: "Body of the answer" });
  assert.match(await body.textContent(), /^\{\n {2}"queue": \[\n {4}\{\n[^]*"queue-name": "Sales"/);
  await form.getByText("Headers").click();
  assert.match(await form.locator(".headers").textContent(), /rtstats-instant/);
});

test("xml_is_shown_over_several_lines", async (t) => {
  const world = await start(t);
  await world.post({ type: "agent.configured", agent: "ann", name: "Ann" });
  const page = await opened(world);
  await signIn(world, page);
  const form = page.locator("#readAgent form");
  await form.getByRole("button", { name: /^Send/ }).click();
  const body = form.getByRole("group", { name: "Body of the answer" });
  await body.waitFor();
  await world.until(async () => /<agent>\n {2}<agent-id>ann<\/agent-id>\n/.test(await body.textContent()));
});

test("events_are_sent_and_count", async (t) => {
  const world = await start(t);
  const page = await opened(world);
  await signIn(world, page);
  const form = page.locator("#sendEvents form");
  await form.getByRole("button", { name: /^Send/ }).click();
  const body = form.getByRole("group", { name: "Body of the answer" });
  await body.waitFor();
  await world.until(async () => (await body.textContent()).includes('"accepted": 7'));
});

test("the_curl_line_follows_what_is_typed_and_holds_no_token", async (t) => {
  const world = await start(t);
  const page = await opened(world);
  await signIn(world, page);
  const form = page.locator("#readAgentIn form");
  await form.getByLabel("agent-id").fill("j o'hara");
  const line = await form.locator(".curl code").textContent();
  assert.equal(
    line,
    `curl --cacert cert.pem -u "acme:$DATA_TOKEN" '${world.server.address}/api/rtstats/stats/agent/j%20o'\\''hara.json'`,
  );
  const { dataToken, actionToken } = world.tenant;
  const kept = await page.evaluate(() => [location.href, document.documentElement.outerHTML, JSON.stringify(localStorage), JSON.stringify(sessionStorage), document.cookie].join());
  assert.ok(!kept.includes(dataToken) && !kept.includes(actionToken), "a token is kept");
});

test("the_curl_line_is_copied", async (t) => {
  const world = await start(t);
  const page = await opened(world, { permissions: ["clipboard-read", "clipboard-write"] });
  const form = page.locator("#readStatus form");
  await form.getByRole("button", { name: "Copy" }).click();
  await form.getByRole("button", { name: "Copied" }).waitFor();
  const copied = await page.evaluate(() => navigator.clipboard.readText());
  assert.equal(copied, await form.locator(".curl code").textContent());
});

test("wrong_and_missing_credentials_are_told_and_nobody_is_prompted", async (t) => {
  const world = await start(t);
  world.allowErrors(/status of 403/);
  const page = await opened(world);
  const form = page.locator("#readStatus form");
  await form.getByRole("button", { name: /^Send/ }).click();
  await form.getByText("Type the tenant's name first.").waitFor();
  assert.equal(await page.evaluate(() => document.activeElement.id), "tenant");
  await signIn(world, page);
  await page.getByLabel("Data Request Token").fill("0".repeat(64));
  await form.getByRole("button", { name: /^Send/ }).click();
  await form.getByText("403 in").waitFor();
});

test("without_scripts_there_is_the_documentation_with_curl_lines", async (t) => {
  const world = await start(t);
  const page = await opened(world, { javaScript: false });
  const line = page.locator("#readQueue .curl code");
  assert.match(await line.textContent(), /^curl .*\/queue\/101'$/);
  assert.equal(await page.locator("#credentials").isVisible(), false);
  assert.equal(await page.locator("#readQueue button").first().isVisible(), false);
  await page.locator("#readQueue summary").click();
  assert.ok(await page.locator("#readQueue .replies").isVisible());
});

for (const theme of ["light", "dark"]) {
  test(`the_explorer_is_accessible_and_fits_in_${theme}`, async (t) => {
    const world = await start(t);
    for (const width of [360, 1280]) {
      const page = await opened(world, { theme, width });
      await signIn(world, page);
      const form = page.locator("#readQueuesIn form");
      await form.getByRole("button", { name: /^Send/ }).click();
      await form.getByText("200 in").waitFor();
      await page.evaluate(() => document.querySelectorAll("details").forEach((details) => { details.open = true; }));
      await world.axe(page);
      await world.fitsInWidth(page);
    }
  });
}
