// How tests come to a wallboard, and the contact centre that it shows.

/** A page whose browser is signed in as a viewer. */
export async function signedIn(world, options = {}) {
  const page = await world.page(options);
  await page.goto("/sign-in");
  await signIn(page, world.tenant);
  return page;
}

/** Signs the browser in whose page is the one for that. */
export async function signIn(page, tenant) {
  const viewer = page.locator("section", { has: page.getByRole("heading", { name: "As a wallboard viewer" }) });
  await viewer.getByLabel("Tenant").fill(tenant.name);
  await viewer.getByLabel("Data Request Token").fill(tenant.dataToken);
  await viewer.getByRole("button").click();
  await page.waitForURL("**/wallboard");
}

/** Opens the wallboard, signed in, and waits until it shows figures. */
export async function openWallboard(world, fragment = "", options = {}) {
  const page = await signedIn(world, options);
  await page.goto(`/wallboard${fragment}`);
  await page.locator(".view:not([hidden])").waitFor();
  return page;
}

const queue = (queue, name, sla) => ({ type: "queue.configured", queue, name, media: "phone", sla });

/** Two queues, and five agents in different states. */
export async function furnish(world) {
  const agent = (agent, name, group, status, queues, code = {}) => [
    { type: "agent.configured", agent, name, group },
    ...queues.map((queue) => ({ type: "assignment.set", agent, queue, assigned: true })),
    { type: "agent.status", agent, status, ...code },
  ];
  await world.post(
    queue(115, "Sales", { percent: 80, within_seconds: 20 }),
    queue(7, "Support"),
    { type: "group.configured", group: 1, name: "North" },
    { type: "group.configured", group: 2, name: "South" },
    { type: "codes.configured", list: 1, name: "Breaks", items: [{ item: 5, short_code: "lun", name: "Lunch", status: "on-break" }] },
    agent("ann", "Ann Lee", 1, "available", [115, 7]),
    agent("bob", "Bob Ray", 1, "on-break", [115], { list: 1, item: 5 }),
    agent("cid", "Cid Moe", 2, "available", [7]),
    agent("dee", "Dee Fox", 2, "logged-out", [7]),
    agent("eve", "Eve Orr", 2, "work-offline", [115]),
  );
}

/** The card of a queue. */
export const card = (page, name) => page.locator(".card", { has: page.getByRole("heading", { name }) });

/** Names of the agents in the table, from the top. */
export const agentNames = (page) => page.locator(".agents-list tbody:not(.edge) .agent-name").allTextContents();
