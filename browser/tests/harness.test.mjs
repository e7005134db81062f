// The harness itself: what the other tests rely on.

import assert from "node:assert/strict";
import test from "node:test";

import { start } from "../fixture.mjs";

const QUEUES = "/api/rtstats/stats/queues.json";
const SALES = { type: "queue.configured", queue: 115, name: "Sales", media: "phone" };

/** A stand-in for a test, which holds what it would be told. */
class Pretended {
  name = "pretended";
  passed = true;
  told = [];
  after() {}
  diagnostic(message) {
    this.told.push(message);
  }
}

test("a_killed_server_comes_back_at_its_address_with_its_data", async (t) => {
  const world = await start(t);
  await world.post(SALES);
  const address = world.server.address;
  await world.server.kill();
  await assert.rejects(world.get(QUEUES));
  await world.server.start();
  await world.server.restart();
  assert.equal(world.server.address, address);
  assert.equal((await world.get(QUEUES)).json().queue[0]["queue-name"], "Sales");
});

test("the_demo_tells_its_tokens", async (t) => {
  const world = await start(t, { demo: true });
  assert.equal((await world.get(QUEUES)).json().queue.length, 5);
});

test("a_page_that_complains_fails_its_test_and_leaves_traces", async (t) => {
  for (const [complain, expected] of [
    [() => console.error("something broke"), /something broke/],
    [() => void setTimeout(() => { throw new Error("thrown late"); }), /thrown late/],
    [() => void fetch("https://elsewhere.invalid/").catch(() => {}), /asks another host/],
  ]) {
    const pretended = new Pretended();
    const world = await start(pretended);
    // If this fails before the end, the world is to go all the same.
    t.after(() => world.server.close());
    world.allowErrors(/favicon/);
    const page = await world.page();
    await page.goto("/api/rtstats/nothing");
    world.allowErrors(/status of 404/);
    const heard = world.until(() => world.problems().length > 0, "the page does not complain");
    await page.evaluate(complain);
    await heard;
    await assert.rejects(world.end(), expected);
    assert.match(pretended.told.join(), /picture: .*failed-pretended\.png/);
  }
});

test("axe_finds_what_is_wrong_and_lets_pass_what_is_right", async (t) => {
  const world = await start(t);
  const page = await world.page();
  const document = (body) =>
    `<!doctype html><html lang="en"><title>A page</title><main><h1>A page</h1>${body}</main></html>`;
  await page.setContent(document("<p>Nothing is wrong here."));
  await world.axe(page);
  await page.setContent(document("<input type=text>"));
  await assert.rejects(world.axe(page), /label: Form elements must have labels/);
});

test("a_page_wider_than_the_window_is_found", async (t) => {
  const world = await start(t);
  const page = await world.page({ width: 360 });
  await page.setContent("<p>Short.");
  await world.fitsInWidth(page);
  await page.setContent('<div style="width: 500px">Wide.</div>');
  await assert.rejects(world.fitsInWidth(page), /500|508/);
});
