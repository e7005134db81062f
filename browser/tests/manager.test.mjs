// The Configuration Manager and the agent's page, as administrators and agents use them.

import assert from "node:assert/strict";
import test from "node:test";

import { start } from "../fixture.mjs";
import { becomeAdministrator, followInvitation, invitationOf, setUpCode } from "../manager.mjs";

const BASE = "/manager/tenants/acme";

/** Events of an agent who has a queue, and a break to take. */
const JANE = [
  { type: "queue.configured", queue: 115, name: "Sales", media: "phone" },
  { type: "agent.configured", agent: "j.doe", name: "Jane Doe" },
  { type: "assignment.set", agent: "j.doe", queue: 115, assigned: true },
  { type: "codes.configured", list: 1, name: "Breaks",
    items: [{ item: 1, short_code: "LUN", name: "Lunch", status: "on-break" }] },
];

/** A page that is the platform administrator's. */
async function setUp(world, options) {
  const page = await world.page(options);
  await becomeAdministrator(page, world.server.log);
  return page;
}

async function makeQueue(page, number, name) {
  await page.goto(`${BASE}/queues/new`);
  await page.getByLabel("Queue id").fill(String(number));
  await page.getByLabel("Name").fill(name);
  await page.getByRole("button", { name: "Make the queue" }).click();
  await page.getByText("is there, with the queue id").waitFor();
}

async function makeAgent(page, id, name) {
  await page.goto(`${BASE}/agents/new`);
  await page.getByLabel("Agent id").fill(id);
  await page.getByLabel("Name", { exact: true }).fill(name);
  await page.getByRole("button", { name: "Make the agent" }).click();
  await page.getByText("Assign queues next").waitFor();
}

test("from_the_set_up_link_to_an_assigned_agent", async (t) => {
  const world = await start(t, { flags: ["--refresh-seconds", "0.1"] });
  const page = await setUp(world);
  await page.goto(BASE);
  await page.getByText("To a running contact centre").waitFor();
  await makeQueue(page, 115, "Sales");
  await makeAgent(page, "j.doe", "Jane Doe");
  await page.getByRole("link", { name: "Assign queues" }).click();
  await page.getByLabel("Jane Doe, Sales: enabled").check();
  assert.equal(await page.getByLabel("Jane Doe, Sales: assigned").isChecked(), true, "enabled implies assigned");
  await page.getByText("1 change is not saved yet").waitFor();
  await page.getByRole("button", { name: "Save the assignments" }).click();
  await page.getByText("One assignment is changed.").waitFor();
  const agent = (await world.get("/api/rtstats/stats/agent/j.doe.json")).json().agent;
  assert.equal(agent["enabled-skill-count"], 1);
});

test("a_wall_screen_opens_with_the_view_of_its_link", async (t) => {
  const world = await start(t);
  await world.post(JANE);
  const page = await setUp(world);
  await page.goto(`${BASE}/links`);
  const make = async (view) => {
    await page.getByLabel("Name").fill("Sales floor");
    await page.getByLabel("View").fill(view);
    await page.getByRole("button", { name: "Make the link" }).click();
  };
  world.allowErrors(/422/);
  await make("themee=drak");
  await page.getByText("The wallboard has no setting “themee”").first().waitFor();
  await make("theme=drak");
  await page.getByText("“theme” is auto, light or dark, not “drak”").first().waitFor();
  // As it is copied from a wallboard.
  await make(`${world.server.address}/wallboard?tenant=acme#theme=dark&layout=table`);
  const link = await page.locator("#secret").inputValue();
  const screen = await world.page();
  await screen.goto(link);
  await screen.locator("html[data-theme=dark]").waitFor({ state: "attached" });
  await screen.locator("#view-queues[data-layout=table]").waitFor();
  const { pathname, search, hash } = new URL(screen.url());
  assert.deepEqual([pathname, search, hash], ["/wallboard", "", "#theme=dark&layout=table"]);
});

test("a_link_is_revoked_only_after_a_question", async (t) => {
  const world = await start(t);
  await world.post(JANE);
  const page = await setUp(world);
  await page.goto(`${BASE}/links`);
  await page.getByLabel("Name").fill("Sales floor");
  await page.getByRole("button", { name: "Make the link" }).click();
  const link = await page.locator("#secret").inputValue();
  const screen = await world.page();
  await screen.goto(link);
  await screen.locator("html[data-grade=live]").waitFor({ state: "attached" });
  world.allowErrors(/ERR_|Failed to load resource/);
  const ask = () => page.getByRole("link", { name: "Revoke Sales floor" }).click();
  await ask();
  await page.getByText("One screen is signed in by it").waitFor();
  for (const width of [1280, 360]) {
    await page.setViewportSize({ width, height: 800 });
    await judge(world, page);
  }
  await page.getByRole("link", { name: "Keep the link" }).click();
  await ask();
  await page.getByRole("button", { name: "Revoke the link “Sales floor”" }).click();
  await page.getByText("The link is revoked.").waitFor();
  await page.getByText("There are no links yet.").waitFor();
  await screen.locator("html[data-cause=refused]").waitFor({ state: "attached" });
});

test("a_service_level_is_set_on_its_tab", async (t) => {
  const world = await start(t);
  const page = await setUp(world);
  await makeQueue(page, 115, "Sales");
  await page.getByRole("link", { name: "SLA" }).click();
  await page.getByLabel("Percent").fill("90");
  await page.getByLabel("Time limit", { exact: true }).fill("2");
  await page.getByLabel("Unit of the limit").selectOption("minutes");
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByText("The service level is 90 % within 2 min from now on.").waitFor();
});

test("a_new_token_stops_the_old_one_at_once", async (t) => {
  const world = await start(t);
  const page = await setUp(world);
  await page.goto(`${BASE}/tokens`);
  await page.getByRole("link", { name: "New Token: Data Request Token" }).click();
  await page.getByText("What stops working").waitFor();
  await page.getByRole("button", { name: "Replace the token" }).click();
  const secret = await page.locator("#secret").inputValue();
  assert.match(secret, /^[0-9a-f]{64}$/);
  await page.getByRole("button", { name: "Copy" }).waitFor();
  assert.equal((await world.get("/api/rtstats/stats/queues")).status, 403);
  world.tenant.dataToken = secret;
  assert.equal((await world.get("/api/rtstats/stats/queues")).status, 200);
});

test("the_matrix_is_worked_by_the_keyboard", async (t) => {
  const world = await start(t);
  const page = await setUp(world);
  for (const [number, name] of [[1, "One"], [2, "Two"]]) {
    await world.post({ type: "queue.configured", queue: number, name, media: "phone" });
  }
  for (const [agent, name] of [["ann", "Ann"], ["bob", "Bob"]]) {
    await world.post({ type: "agent.configured", agent, name });
  }
  await page.goto(`${BASE}/assignments`);
  await page.getByLabel("Ann, One: assigned").focus();
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Space");
  assert.equal(await page.getByLabel("Bob, Two: assigned").isChecked(), true);
  assert.equal(await page.getByLabel("Bob, Two: enabled").isChecked(), true);
  await page.keyboard.press("Enter");
  await page.getByText("One assignment is changed.").waitFor();
});

test("a_list_of_codes_grows_by_rows", async (t) => {
  const world = await start(t);
  const page = await setUp(world);
  await page.goto(`${BASE}/codes/new`);
  await page.getByLabel("Name", { exact: true }).fill("Breaks");
  await page.getByRole("button", { name: "One row more" }).click();
  await page.getByLabel("Item id of item 6").fill("6");
  await page.getByLabel("Name of item 6").fill("Lunch");
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByText("The list is saved.").waitFor();
  assert.equal(await page.getByLabel("Name of item 1").inputValue(), "Lunch");
});

for (const theme of ["light", "dark"]) {
  test(`pages_pass_axe_and_fit_a_phone_${theme}`, async (t) => {
    const world = await start(t);
    const page = await setUp(world, { theme });
    await world.post(
      { type: "queue.configured", queue: 115, name: "Sales", media: "phone", sla: { percent: 80, within_seconds: 20 } },
      { type: "queue.configured", queue: 116, name: "Customer care", media: "chat" },
      { type: "group.configured", group: 4, name: "North" },
      { type: "agent.configured", agent: "j.doe", name: "Jane Doe", group: 4 },
      { type: "agent.configured", agent: "bob", name: "Bob Ross" },
      { type: "assignment.set", agent: "j.doe", queue: 115, assigned: true },
      { type: "assignment.set", agent: "bob", queue: 116, assigned: true, enabled: false },
      { type: "codes.configured", list: 1, name: "Breaks",
        items: [{ item: 1, short_code: "LUN", name: "Lunch", status: "on-break" }] },
      { type: "agent.status", agent: "ghost", status: "available" },
    );
    const paths = ["", "/queues", "/queues/new", "/queue/115", "/queue/115/sla", "/queue/115/remove", "/agents", "/agent/j.doe",
      "/agents/new", "/agent/j.doe/remove", "/agents/import", "/assignments", "/assignments?queue=115", "/groups", "/groups/new",
      "/group/4", "/codes", "/codes/new", "/code/1", "/tokens", "/tokens/data", "/connections", "/activity", "/links", "/remove",
    ].map((path) => BASE + path);
    paths.push("/", "/account", "/manager", "/manager/new", "/manager/accounts", "/manager/accounts/new", "/manager/audit");
    for (const width of [1280, 360, 3840]) {
      await page.setViewportSize({ width, height: 800 });
      for (const path of paths) {
        const answer = await page.goto(path);
        assert.equal(answer.status(), 200, path);
        await judge(world, page);
      }
    }
  });

  test(`pages_of_strangers_and_agents_pass_axe_${theme}`, async (t) => {
    const world = await start(t);
    world.allowErrors(/403/); // Codes that are none.
    const stranger = await world.page({ theme });
    for (const path of ["/", "/sign-in", `/set-up#${setUpCode(world.server.log)}`, "/invitation#0123", "/share#0123"]) {
      await stranger.goto(path);
      await judge(world, stranger);
    }
    const page = await setUp(world, { theme });
    await world.post(...JANE);
    const jane = await world.page({ theme });
    await followInvitation(jane, await invitationOf(page, "acme", "j.doe", "jane"));
    for (const width of [360, 1280, 3840]) {
      await jane.setViewportSize({ width, height: 800 });
      await jane.goto("/agent");
      await judge(world, jane);
    }
  });

  test(`an_import_passes_axe_with_problems_and_without_${theme}`, async (t) => {
    const world = await start(t);
    const page = await setUp(world, { theme });
    world.allowErrors(/422/);
    const header = "agent-id,agent-name,queues\n";
    for (const [rows, told] of [["ann,Ann Lee,115\n", "no queue 115"], ["ann,Ann Lee,\n", "Nothing is written yet"]]) {
      await page.goto(`${BASE}/agents/import`);
      const file = { name: "agents.csv", mimeType: "text/csv", buffer: Buffer.from(header + rows) };
      await page.getByLabel("CSV file").setInputFiles(file);
      await page.getByRole("button", { name: "Check the file" }).click();
      await page.getByText(told).waitFor();
      await judge(world, page);
    }
  });
}

/** Fails for what axe finds and for a page that is wider than its window. */
async function judge(world, page) {
  await world.axe(page);
  await world.fitsInWidth(page);
}

test("an_agent_sets_the_status_and_enables_a_queue_on_a_phone", async (t) => {
  const world = await start(t);
  const page = await setUp(world);
  await world.post(...JANE);
  const jane = await world.page({ width: 360, height: 740 });
  await followInvitation(jane, await invitationOf(page, "acme", "j.doe", "jane"));
  await jane.getByRole("button", { name: "On break: Lunch" }).click();
  await jane.getByText("Your status is: On break: Lunch.").waitFor();
  assert.equal(await jane.getByRole("button", { name: "On break: Lunch" }).getAttribute("aria-pressed"), "true");
  await jane.getByLabel("Sales").uncheck();
  await jane.getByRole("button", { name: "Save my queues" }).click();
  await jane.getByText("Your queues are saved.").waitFor();
  await world.axe(jane);
  await world.fitsInWidth(jane);
});

test("without_scripts_a_queue_is_made_and_an_agent_assigned", async (t) => {
  const world = await start(t);
  const page = await setUp(world);
  const plain = await world.page({ javaScript: false });
  await plain.context().addCookies(await page.context().cookies());
  await makeQueue(plain, 7, "Seven");
  await makeAgent(plain, "ann", "Ann");
  await plain.goto(`${BASE}/assignments?queue=7`);
  await plain.getByLabel("Ann, Seven: assigned").check();
  await plain.getByRole("button", { name: "Save the assignments" }).click();
  await plain.getByText("One assignment is changed.").waitFor();
});
