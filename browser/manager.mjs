// How tests and pictures come to the Configuration Manager and to an agent's own page.

export const PASSWORD = "correct horse battery";

const setPassword = async (page, button) => {
  await page.getByLabel("New password", { exact: true }).fill(PASSWORD);
  await page.getByLabel("New password again").fill(PASSWORD);
  await page.getByRole("button", { name: button }).click();
};

/** The code of the one-time link that a server's first start prints. */
export const setUpCode = (log) => /\/set-up#([0-9a-f]+)/.exec(log)[1];

/** Follows that link, on a page of a new browser profile, which is the platform administrator's then. */
export async function becomeAdministrator(page, log) {
  await page.goto(`/set-up#${setUpCode(log)}`);
  await page.getByLabel("Login").fill("maria");
  await setPassword(page, "Set up");
  await page.getByRole("button", { name: "Sign out" }).waitFor();
}

/** An administrator's `page` makes an account for the agent; the link by which it is opened. */
export async function invitationOf(page, tenant, agent, login) {
  await page.goto(`/manager/tenants/${tenant}/agent/${agent}`);
  await page.getByLabel("Login").fill(login);
  await page.getByRole("button", { name: "Make an account" }).click();
  const link = new URL(await page.locator("#secret").inputValue());
  return link.pathname + link.hash;
}

/** Follows an invitation, on a page of a new browser profile, which is the agent's then. */
export async function followInvitation(page, link) {
  await page.goto(link);
  await setPassword(page, "Set the password");
  await page.getByRole("button", { name: "Sign out" }).waitFor();
}
