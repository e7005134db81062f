// The wallboard in a browser: what is pushed is shown, what is old looks old, and every way of use works.

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import path from "node:path";
import test from "node:test";

import { start } from "../fixture.mjs";
import { agentNames, card, furnish, openWallboard, signedIn } from "../wallboard.mjs";

/** Errors of connections that these tests cut on purpose. */
const CUT = /ERR_|Failed to load resource/;

const shown = (page, grade) => page.locator(`html[data-grade="${grade}"]`).waitFor({ state: "attached" });

/** What is promised, from the acknowledgment of an event to the page, on a machine at rest. */
const PROMISED_MS = 250;

/** On a machine on which other tests run, no change may take longer; the quickest of ROUNDS has to keep the promise. */
const BUSY_MS = 5_000;
const ROUNDS = 10;

test("the_wallboard_shows_a_pushed_change_in_time", async (t) => {
  const world = await start(t);
  await furnish(world);
  const page = await openWallboard(world);
  const waiting = card(page, "Sales").locator(".waiting .value");
  assert.equal(await waiting.textContent(), "0");
  // The page itself notes when it shows a figure, so that asking for it costs the measure nothing.
  const seenAt = (figure) => page.evaluate((figure) => new Promise((resolve) => {
    const value = [...document.querySelectorAll(".card")].find((card) => card.textContent.includes("Sales")).querySelector(".waiting .value");
    new MutationObserver((_, observer) => {
      if (value.textContent !== figure) return;
      observer.disconnect();
      resolve(Date.now());
    }).observe(value, { childList: true, characterData: true, subtree: true });
  }), figure);
  const lags = [];
  for (let round = 1; round <= ROUNDS; round++) {
    // Each comes just after the frame of the one before, when the feed has to wait longest.
    const seen = seenAt(String(round));
    await world.post({ type: "transaction.queued", transaction: `t${round}`, queue: 115 });
    const acknowledged = Date.now();
    lags.push((await seen) - acknowledged);
  }
  assert.ok(Math.max(...lags) < BUSY_MS && Math.min(...lags) < PROMISED_MS, `${lags.join(", ")} ms`);
  await card(page, "Sales").locator(".wait .value", { hasText: /^0:0[1-9]$/ }).waitFor();
  const ended = Array.from({ length: ROUNDS }, (_, place) => ({ type: "transaction.accepted", transaction: `t${place + 1}`, agent: "ann" }));
  await world.post(ended);
  await card(page, "Sales").locator('.level[data-met="good"]', { hasText: /100\s?%/ }).waitFor();
});

test("clocks_tick_second_by_second", async (t) => {
  const world = await start(t);
  await furnish(world);
  const page = await openWallboard(world, "#view=agents&x=");
  const values = await page.evaluate(() => new Promise((resolve) => {
    const cell = document.querySelector(".agents-list tbody:not(.edge) .c-since");
    const values = [];
    new MutationObserver(() => {
      values.push(cell.textContent);
      if (values.length === 4) resolve(values);
    }).observe(cell, { childList: true, characterData: true, subtree: true });
  }));
  const seconds = values.map((text) => text.split(":").reduce((sum, part) => sum * 60 + Number(part), 0));
  assert.deepEqual(seconds, seconds.map((_, place) => seconds[0] + place), "each second once");
});

test("figures_look_old_while_the_server_is_gone_and_go_on_after", async (t) => {
  const world = await start(t);
  world.allowErrors(CUT);
  await furnish(world);
  const page = await openWallboard(world);
  await shown(page, "live");
  await world.server.stop();
  const banner = page.locator("#banner");
  await banner.getByText("Connection lost").waitFor();
  assert.match(await banner.textContent(), /The server was stopped|can't be reached/);
  assert.match(await page.locator("#pulse").textContent(), /Old figures/);
  const view = page.locator("#view-queues");
  assert.match(await view.evaluate((element) => getComputedStyle(element).filter), /grayscale/);
  await world.server.start();
  await shown(page, "live");
  await banner.waitFor({ state: "hidden" });
  await world.post({ type: "transaction.queued", transaction: "t9", queue: 7 });
  await card(page, "Support").locator(".waiting .value", { hasText: "1" }).waitFor();
});

test("figures_look_old_while_nothing_comes_and_their_clocks_stand", async (t) => {
  const world = await start(t);
  world.allowErrors(CUT);
  await furnish(world);
  await world.post({ type: "transaction.queued", transaction: "t1", queue: 115 });
  const page = await openWallboard(world);
  await shown(page, "live");
  world.server.pause();
  await page.locator("html[data-cause=stalled]").waitFor({ state: "attached" });
  const wait = card(page, "Sales").locator(".wait .value");
  const [before, age] = [await wait.textContent(), await page.locator("#banner .age").textContent()];
  await world.until(async () => (await page.locator("#banner .age").textContent()) !== age, "the age goes on");
  assert.equal(await wait.textContent(), before, "a clock of old figures stands");
  world.server.resume();
  await shown(page, "live");
});

test("a_new_token_ends_the_page_and_says_what_to_do", async (t) => {
  const world = await start(t);
  world.allowErrors(CUT);
  await furnish(world);
  const page = await openWallboard(world);
  await shown(page, "live");
  world.server.command("token", "new", "acme", "data");
  await page.locator("html[data-cause=refused]").waitFor({ state: "attached" });
  const banner = page.locator("#banner");
  assert.match(await banner.textContent(), /Signed out.*revoked or replaced.*Sign in again/);
  assert.ok(await banner.getByRole("button", { name: "Sign in" }).isVisible());
});

test("agents_are_filtered_sorted_and_searched", async (t) => {
  const world = await start(t);
  await furnish(world);
  const page = await openWallboard(world, "#view=agents&x=");
  const names = async (expected) => world.until(async () => JSON.stringify(await agentNames(page)) === JSON.stringify(expected), expected.join());
  await names(["Ann Lee", "Bob Ray", "Cid Moe", "Dee Fox", "Eve Orr"]);
  await page.getByRole("row", { name: /Bob Ray/ }).getByText("On break · Lunch").waitFor();
  await page.getByLabel("Queue", { exact: true }).selectOption("115");
  await names(["Ann Lee", "Bob Ray", "Eve Orr"]);
  await page.getByLabel("Group", { exact: true }).selectOption({ label: "South" });
  await names(["Eve Orr"]);
  await page.getByRole("button", { name: "Clear filters" }).click();
  await page.getByRole("button", { name: /Available/ }).first().click();
  await names(["Ann Lee", "Cid Moe"]);
  await page.getByRole("button", { name: "Agent", exact: true }).click();
  await names(["Cid Moe", "Ann Lee"]);
  await page.getByRole("button", { name: "Clear filters" }).click();
  await page.getByLabel("Search").fill("south");
  await names(["Eve Orr", "Dee Fox", "Cid Moe"]);
  await page.getByLabel("Search").fill("nobody");
  await page.getByText("No agent passes the filters").waitFor();
  // Whoever changes state moves in and out of a filter as it happens.
  await page.getByLabel("Search").fill("");
  await page.getByRole("button", { name: /On break/ }).first().click();
  await names(["Bob Ray"]);
  await world.post({ type: "agent.status", agent: "ann", status: "on-break" });
  await names(["Bob Ray", "Ann Lee"]);
  assert.match(page.url(), /state=4/);
});

test("only_rows_in_sight_are_made_and_scrolling_shows_the_others", async (t) => {
  const world = await start(t);
  const ids = Array.from({ length: 600 }, (_, place) => `a${String(place).padStart(3, "0")}`);
  await world.post(ids.map((agent) => ({ type: "agent.configured", agent, name: `Agent ${agent}` })));
  const page = await openWallboard(world, "#view=agents&x=");
  await page.getByText("600 agents").waitFor();
  const made = await page.locator(".agents-list tbody:not(.edge) tr").count();
  assert.ok(made > 10 && made < 60, `${made} rows`);
  await page.locator("#view-agents .scroller").evaluate((scroller) => { scroller.scrollTop = scroller.scrollHeight; });
  await page.getByText("Agent a599").waitFor();
  assert.equal(await page.locator(".agents-list").getAttribute("aria-rowcount"), "601");
  const place = await page.locator(".agents-list tr", { hasText: "Agent a599" }).getAttribute("aria-rowindex");
  assert.equal(place, "601");
});

test("all_can_be_done_by_keys", async (t) => {
  const world = await start(t);
  await furnish(world);
  const page = await openWallboard(world);
  const view = async (name) => page.locator(`#view-${name}:not([hidden])`).waitFor();
  await page.keyboard.press("2");
  await view("agents");
  await page.keyboard.press("/");
  await page.keyboard.type("dee");
  await world.until(async () => (await agentNames(page)).join() === "Dee Fox", "the search");
  await page.keyboard.press("Escape");
  await world.until(async () => (await agentNames(page)).length === 5, "the search is cleared");
  await page.keyboard.press("3");
  await view("queue");
  await page.locator(".single").getByRole("heading", { name: "Support" }).waitFor();
  await page.keyboard.press("ArrowRight");
  await page.locator(".single").getByRole("heading", { name: "Sales" }).waitFor();
  await page.keyboard.press("1");
  await view("queues");
  await page.keyboard.press("?");
  const keys = page.getByRole("dialog", { name: "Keys" });
  await keys.getByText("Full screen").waitFor();
  await page.keyboard.press("Escape");
  await keys.waitFor({ state: "hidden" });
  for (const theme of ["light", "dark"]) {
    await page.keyboard.press("t");
    await page.locator(`html[data-theme=${theme}]`).waitFor({ state: "attached" });
  }
  await page.keyboard.press("+");
  await page.locator("html[data-size=large]").waitFor({ state: "attached" });
  // Every stop of the tabulator is seen.
  for (let stop = 0; stop < 12; stop++) {
    await page.keyboard.press("Tab");
    const [outline, element] = await page.evaluate(() => [getComputedStyle(document.activeElement).outlineStyle, document.activeElement.outerHTML.slice(0, 80)]);
    // After the last stop the browser's own controls have their turn.
    if (!element.startsWith("<body")) assert.notEqual(outline, "none", element);
  }
});

test("a_threshold_that_is_passed_is_unmistakable_and_told_once", async (t) => {
  const world = await start(t);
  await furnish(world);
  const page = await openWallboard(world, "#alert=*:w5;115:w0");
  await world.post({ type: "transaction.queued", transaction: "t1", queue: 115 }, { type: "transaction.queued", transaction: "t2", queue: 7 });
  const sales = card(page, "Sales");
  await sales.getByText("1 waiting, limit 0").waitFor();
  assert.equal(await sales.getAttribute("data-level"), "2");
  await card(page, "Support").locator(".waiting .value", { hasText: "1" }).waitFor();
  assert.equal(await card(page, "Support").getAttribute("data-level"), null);
  assert.match(await page.locator("#told").textContent(), /^Alarm\. Sales: 1 waiting, limit 0$/);
  assert.match(await page.title(), /^\(1!\)/);
  await world.post({ type: "transaction.abandoned", transaction: "t1" });
  await sales.getByText("1 waiting, limit 0").waitFor({ state: "hidden" });
  assert.doesNotMatch(await page.title(), /!/);
});

test("a_card_in_alarm_shows_every_reason_and_keeps_its_figures", async (t) => {
  const world = await start(t);
  await furnish(world);
  await world.post(
    { type: "transaction.queued", transaction: "t1", queue: 115 },
    { type: "transaction.queued", transaction: "t2", queue: 115 },
    { type: "transaction.abandoned", transaction: "t2" },
    { type: "transaction.queued", transaction: "t3", queue: 115 },
    { type: "transaction.accepted", transaction: "t3", agent: "ann" },
  );
  for (const [width, height] of [[390, 844], [1440, 900], [1920, 1080]]) {
    const page = await openWallboard(world, "#alert=*:w0,l0,s99", { width, height });
    const sales = card(page, "Sales");
    await sales.getByText("1 waiting, limit 0 · waits over 0:00 · service level under 99 %").waitFor();
    const alarm = sales.locator(".alarm");
    assert.equal(await alarm.getAttribute("title"), await alarm.textContent());
    const [needed, there] = await alarm.locator("span").evaluate((text) => [text.scrollHeight, text.clientHeight]);
    assert.ok(needed <= there, `${width}: reasons are ${needed} px high in ${there} px`);
    assert.ok(await sales.getByText("0 offered").isVisible() && await sales.getByText("1 in progress").isVisible(), `${width}`);
    await page.context().close();
  }
});

test("a_wallboard_without_javascript_says_so_and_does_not_wait", async (t) => {
  const world = await start(t);
  await furnish(world);
  const cookies = await (await signedIn(world)).context().cookies();
  const page = await world.page({ javaScript: false });
  await page.context().addCookies(cookies);
  await page.goto("/wallboard");
  await page.locator("noscript p", { hasText: "The wallboard needs JavaScript" }).waitFor();
  assert.equal(await page.getByText("Connecting").count(), 0);
});

test("thresholds_and_choices_are_remembered_and_go_by_link", async (t) => {
  const world = await start(t);
  await furnish(world);
  const page = await openWallboard(world);
  await page.keyboard.press("s");
  const settings = page.getByRole("dialog", { name: "Settings" });
  await settings.getByLabel("Sales: Waiting, more than").fill("3");
  await settings.getByLabel("All queues: Level below, %").fill("70");
  await settings.getByLabel("Theme").selectOption("dark");
  await settings.getByLabel("Next page after").fill("30");
  await settings.getByLabel("Queues as").selectOption("table");
  await page.keyboard.press("Escape");
  const link = page.url();
  assert.match(decodeURIComponent(link), /alert=/);
  await page.goto("about:blank");
  await page.goto("/wallboard");
  await page.locator("#view-queues[data-layout=table]").waitFor();
  await page.locator("html[data-theme=dark]").waitFor({ state: "attached" });
  const other = await openWallboard(world, new URL(link).hash);
  await other.locator("#view-queues[data-layout=table]").waitFor();
  await other.keyboard.press("s");
  assert.equal(await other.getByLabel("Sales: Waiting, more than").inputValue(), "3");
  assert.equal(await other.getByLabel("All queues: Level below, %").inputValue(), "70");
  assert.equal(await other.getByLabel("Next page after").inputValue(), "30");
});

test("pages_follow_one_another_in_a_rotation", async (t) => {
  const world = await start(t);
  await furnish(world);
  const page = await openWallboard(world, "#rotate=5&pages=queues,agents,115");
  await page.locator("#view-agents:not([hidden])").waitFor();
  await page.locator("#view-queue:not([hidden])").getByRole("heading", { name: "Sales" }).waitFor();
  await page.keyboard.press("r");
  await page.locator("#tool-rotate[aria-pressed=false]").waitFor();
});

test("nobody_loses_the_page_under_the_hand_in_a_rotation", async (t) => {
  const world = await start(t);
  await furnish(world);
  const page = await openWallboard(world, "#view=agents&rotate=5&pages=queues,agents");
  await page.locator("#view-agents:not([hidden])").waitFor();
  const begun = Date.now();
  const search = page.getByLabel("Search");
  while (Date.now() - begun < 8_000) await search.pressSequentially("ann", { delay: 300 });
  assert.ok(await page.locator("#view-agents").isVisible());
  await page.locator("#view-queues:not([hidden])").waitFor();
});

test("single_letters_are_no_keys_where_that_is_chosen", async (t) => {
  const world = await start(t);
  await furnish(world);
  const page = await openWallboard(world);
  await page.keyboard.press("s");
  await page.getByLabel("Single letters are keys").uncheck();
  await page.keyboard.press("Escape");
  const size = () => page.locator("html").getAttribute("data-size");
  for (const key of ["2", "+", "/", "?", "t", "s"]) await page.keyboard.press(key);
  assert.equal(await page.locator("dialog[open]").count(), 0);
  assert.ok(await page.locator("#view-queues").isVisible());
  assert.equal(await size(), "normal");
  assert.equal(await page.locator("[aria-keyshortcuts]").count(), 0);
  await page.keyboard.press("ArrowRight");
  await page.locator("#view-agents:not([hidden])").waitFor();
  await page.getByRole("button", { name: "Settings" }).click();
  await page.getByLabel("Single letters are keys").check();
  await page.keyboard.press("Escape");
  await page.keyboard.press("1");
  await page.locator("#view-queues:not([hidden])").waitFor();
});

test("an_alarm_s_beat_ends_within_five_seconds", async (t) => {
  const world = await start(t);
  await furnish(world);
  const page = await openWallboard(world, "#alert=115:w0", { reducedMotion: "no-preference" });
  await world.post({ type: "transaction.queued", transaction: "t1", queue: 115 });
  await card(page, "Sales").getByText("1 waiting, limit 0").waitFor();
  const beat = await card(page, "Sales").evaluate((element) => {
    const { animationDuration, animationIterationCount } = getComputedStyle(element, "::after");
    return parseFloat(animationDuration) * parseFloat(animationIterationCount);
  });
  assert.ok(beat > 0 && beat <= 5, `${beat} s`);
});

test("a_queue_is_freed_from_alarms_in_the_settings", async (t) => {
  const world = await start(t);
  await furnish(world);
  const page = await openWallboard(world, "#alert=*:w0");
  await world.post({ type: "transaction.queued", transaction: "t1", queue: 115 });
  const told = card(page, "Sales").getByText("1 waiting, limit 0");
  await told.waitFor();
  await page.keyboard.press("s");
  await page.getByLabel("Sales: no alarms").check();
  assert.ok(await page.getByLabel("Sales: Waiting, more than").isDisabled());
  await page.keyboard.press("Escape");
  await told.waitFor({ state: "hidden" });
  assert.match(page.url(), /115:w-,l-,s-/);
});

test("the_table_of_queues_has_agents_by_state_both_periods_and_both_trends", async (t) => {
  const world = await start(t);
  await furnish(world);
  await world.post({ type: "transaction.queued", transaction: "t1", queue: 115 }, { type: "transaction.abandoned", transaction: "t1" });
  const page = await openWallboard(world, "#layout=table", { width: 1920, height: 1080 });
  const row = page.locator(".queues-list tbody tr", { hasText: "Sales" });
  await row.locator("td", { hasText: /^1, 30 min: 1$/ }).first().waitFor();
  assert.deepEqual(await row.locator(".chip b").allTextContents(), ["1", "0", "0", "1", "1", "0"]);
  assert.ok(await row.locator(".chip").first().isVisible());
  for (const kind of ["waiting", "level"]) assert.ok(await row.locator(`.spark.${kind}`).isVisible(), kind);
  for (const name of ["Ø wait", "Ø work"]) assert.ok(await page.getByRole("columnheader", { name }).isVisible(), name);
  // The sums are of the queues that are shown.
  await page.goto("about:blank");
  await page.goto("/wallboard#layout=table&only=7");
  await page.locator(".totals .chip", { hasText: "Available" }).getByText("2", { exact: true }).waitFor();
  await page.locator(".totals .chip", { hasText: "On break" }).getByText("0", { exact: true }).waitFor();
});

test("a_connection_that_is_cut_is_told_of_with_its_name_and_time", async (t) => {
  const world = await start(t);
  await furnish(world);
  const page = await openWallboard(world);
  await shown(page, "live");
  // Nobody listens there.
  const config = path.join(world.server.folder, "rtstats.toml");
  writeFileSync(config, "[connect.asterisk.main]\ntenant = 'acme'\naddress = '127.0.0.1:1'\nusername = 'u'\nsecret = 's'\n");
  world.allowErrors(CUT);
  world.server.addFlags("--config", config);
  await world.server.restart();
  const banner = page.locator("#banner");
  await page.locator("html[data-cause=cut]").waitFor({ state: "attached" });
  assert.match(await banner.textContent(), /Connection cut.*Nothing from main since \d\d:\d\d:\d\d \(\d+ s\)/);
  // Nobody tells anything any more: all figures are old.
  await shown(page, "dead");
  assert.match(await page.locator("#pulse").textContent(), /Old figures/);
  const seq = () => ({ source: "chat", seq: Date.now() });
  await world.until(async () => {
    await world.post({ type: "group.configured", group: 1, name: "North", ...seq() });
    return (await page.locator("html[data-grade=doubtful]").count()) > 0;
  }, "others are heard");
  assert.match(await page.locator("#pulse").textContent(), /Connection cut/);
  await world.axe(page);
});

test("tables_fit_a_wall_and_every_size_of_figures", async (t) => {
  const world = await start(t);
  await furnish(world);
  for (const [width, height] of [[1280, 800], [1920, 1080], [3840, 2160]]) {
    for (const fragment of ["#layout=table", "#layout=table&size=large", "#layout=table&size=huge", "#view=agents&size=normal", "#view=agents&size=large"]) {
      const page = await openWallboard(world, fragment, { width, height });
      const [needed, there] = await page.locator(".view:not([hidden]) .scroller").evaluate((box) => [box.scrollWidth, box.clientWidth]);
      assert.ok(needed <= there + 1, `${fragment} at ${width}: ${needed} px in ${there}`);
      await page.context().close();
    }
  }
});

test("a_phone_tells_when_the_last_event_came", async (t) => {
  const world = await start(t);
  await furnish(world);
  const page = await openWallboard(world, "", { width: 360, height: 740 });
  await page.locator("#pulse .source", { hasText: /Last event/ }).waitFor();
  await world.fitsInWidth(page);
});

test("a_page_that_comes_back_goes_on_where_it_was", async (t) => {
  const world = await start(t);
  world.allowErrors(CUT);
  await furnish(world);
  const page = await openWallboard(world);
  await shown(page, "live");
  const asked = [];
  page.on("request", (request) => new URL(request.url()).pathname.endsWith("/live") && asked.push(request.headers()["last-event-id"]));
  await page.context().setOffline(true);
  // A stream that is open goes on where a browser is told to be offline; the page opens it anew when it is online.
  await page.context().setOffline(false);
  await world.until(() => asked.length > 0, "the stream is opened again");
  assert.match(asked[0] ?? "", /^\d+$/);
  await world.post({ type: "transaction.queued", transaction: "t1", queue: 7 });
  await card(page, "Support").locator(".waiting .value", { hasText: "1" }).waitFor();
});

const VIEWS = ["#alert=*:w0", "#layout=table&alert=*:w0", "#view=agents&x=", "#view=queue&queue=115"];

for (const theme of ["light", "dark"]) {
  test(`axe_finds_nothing_in_the_${theme}_theme`, async (t) => {
    const world = await start(t);
    await furnish(world);
    await world.post({ type: "transaction.queued", transaction: "t1", queue: 115 });
    for (const fragment of VIEWS) {
      const page = await openWallboard(world, fragment, { theme });
      await world.axe(page);
      await page.context().close();
    }
    const page = await openWallboard(world, "", { theme });
    for (const [key, name] of [["s", "Settings"], ["?", "Keys"]]) {
      await page.keyboard.press(key);
      await page.getByRole("dialog", { name }).waitFor();
      await world.axe(page);
      await page.keyboard.press("Escape");
    }
  });
}

test("every_page_fits_from_a_phone_to_a_wall", async (t) => {
  const world = await start(t);
  await furnish(world);
  for (const [width, height] of [[360, 740], [1280, 800], [3840, 2160]]) {
    for (const fragment of VIEWS) {
      const page = await openWallboard(world, fragment, { width, height });
      await world.fitsInWidth(page);
      await page.context().close();
    }
  }
});

test("the_first_paint_takes_less_than_100_kb", async (t) => {
  const world = await start(t);
  await furnish(world);
  const page = await signedIn(world);
  const session = await page.context().newCDPSession(page);
  let bytes = 0;
  await page.goto("about:blank");
  await session.send("Network.enable");
  await session.send("Network.setCacheDisabled", { cacheDisabled: true });
  session.on("Network.dataReceived", ({ encodedDataLength }) => { bytes += encodedDataLength; });
  session.on("Network.responseReceived", ({ response }) => { bytes += response.encodedDataLength; });
  await page.goto("/wallboard");
  await page.locator(".card").first().waitFor();
  assert.ok(bytes > 10_000 && bytes < 100_000, `${bytes} bytes`);
  const errors = await page.evaluate(() => performance.getEntriesByType("resource").filter(({ name }) => new URL(name).origin !== location.origin).length);
  assert.equal(errors, 0, "nothing from elsewhere");
});

test("the_first_paint_has_the_theme_of_the_address_if_there_is_such_a_one", async (t) => {
  const world = await start(t);
  const page = await signedIn(world);
  world.allowErrors(CUT);
  // What comes after the first paint is not awaited here.
  await page.route("**/main.js", (route) => route.abort());
  for (const [address, theme] of [
    ["#theme=dark", "dark"], ["#theme=darkish", null], ["?theme=light#size=large", "light"], ["#size=large&theme=drak", null],
  ]) {
    // A new page: another fragment alone loads nothing.
    await page.goto("about:blank");
    await page.goto(`/wallboard${address}`);
    assert.equal(await page.locator("html").getAttribute("data-theme"), theme, address);
  }
});

test("a_link_for_a_wall_screen_is_led_to_where_links_are_opened", async (t) => {
  const world = await start(t);
  await furnish(world);
  world.allowErrors(/403/);
  const page = await signedIn(world);
  // Whoever is signed in already and follows a link is led to where links are opened.
  await page.goto("/wallboard#share=0000");
  await page.getByText("This link was revoked, or its code is wrong").first().waitFor();
  assert.equal(new URL(page.url()).pathname, "/share");
});
