// The pages of which `cargo xtask screenshots` makes pictures: one line each, extended by whoever adds a page.
//
// `name` is the picture's; `path` is opened in the demo; `width` and `height` (1280 × 800), `theme` (`light`) and whatever
// else the fixture's `page` takes may be given; `signedIn: true` gives the Data Request Token where the browser is asked
// for credentials, `as` names who of PEOPLE is signed in; `prepare(page, tenant)` brings the page to what is to be seen;
// `busy: true` sees to it that no agent is free at that moment where calls of the rush wait.

import { becomeAdministrator, followInvitation, invitationOf } from "./manager.mjs";
import { signIn } from "./wallboard.mjs";

/** Signs the explorer in and asks for a queue. */
async function explore(page, tenant) {
  await page.getByLabel("Tenant").fill(tenant.name);
  await page.getByLabel("Data Request Token").fill(tenant.dataToken);
  const form = page.locator("#readQueueIn form");
  await form.getByRole("button", { name: /^Send/ }).click();
  await form.getByText("200 in").waitFor();
  await page.evaluate(() => document.getElementById("readQueueIn").scrollIntoView());
}

/** Opens the wallboard with settings. */
const wall = (fragment) => async (page, tenant) => {
  await signIn(page, tenant);
  await page.goto("about:blank");
  await page.goto(`/wallboard${fragment}`);
  await page.locator(".view:not([hidden])").waitFor();
  await page.locator("html[data-grade=live]").waitFor({ state: "attached" });
};

/** Who can be signed in: brings a page of a new browser profile there, once. */
export const PEOPLE = {
  administrator: (page, { server }) => becomeAdministrator(page, server.log),
  async agent(page, { tenant, cookiesOf }) {
    const { cookies } = await cookiesOf("administrator");
    await page.context().addCookies(cookies);
    const link = await invitationOf(page, tenant.name, "amara.okafor", "amara");
    await page.context().clearCookies();
    await followInvitation(page, link);
  },
};

const CONSOLE = "/manager/tenants/acme";

export const PAGES = [
  { name: "explorer", path: "/api/explorer" },
  { name: "explorer-answer-dark", path: "/api/explorer", theme: "dark", height: 1100, prepare: explore },
  { name: "explorer-phone", path: "/api/explorer", width: 360, height: 740, prepare: explore },
  { name: "manager", path: CONSOLE, as: "administrator" },
  { name: "manager-queues", path: `${CONSOLE}/queues`, as: "administrator" },
  { name: "manager-sla", path: `${CONSOLE}/queue/101/sla`, as: "administrator" },
  { name: "manager-agents", path: `${CONSOLE}/agents`, as: "administrator" },
  { name: "manager-assignments", path: `${CONSOLE}/assignments`, as: "administrator" },
  { name: "manager-assignments-dark", path: `${CONSOLE}/assignments`, as: "administrator", theme: "dark" },
  { name: "manager-codes", path: `${CONSOLE}/codes`, as: "administrator" },
  { name: "manager-tokens", path: `${CONSOLE}/tokens`, as: "administrator" },
  { name: "manager-activity", path: `${CONSOLE}/activity`, as: "administrator" },
  { name: "manager-audit", path: "/manager/audit", as: "administrator" },
  { name: "manager-phone", path: CONSOLE, as: "administrator", width: 360, height: 740 },
  { name: "agent", path: "/agent", as: "agent" },
  { name: "agent-phone", path: "/agent", as: "agent", width: 360, height: 740, theme: "dark" },
  { name: "sign-in", path: "/sign-in" },
  // The calls of the rush have waited a while by then.
  { name: "wallboard", path: "/sign-in", width: 1920, height: 1080, theme: "dark", busy: true, prepare: wall("") },
  { name: "wallboard-light", path: "/sign-in", busy: true, prepare: wall("#layout=cards") },
  { name: "wallboard-table", path: "/sign-in", width: 1920, height: 1080, busy: true, prepare: wall("#layout=table") },
  { name: "wallboard-agents", path: "/sign-in", width: 1920, height: 1080, busy: true, prepare: wall("#view=agents&sort=state") },
  { name: "wallboard-queue", path: "/sign-in", width: 1920, height: 1080, theme: "dark", busy: true, prepare: wall("#view=queue&queue=101") },
  { name: "wallboard-phone", path: "/sign-in", width: 360, height: 740, busy: true, prepare: wall("#layout=cards") },
];
