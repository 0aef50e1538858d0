// What changes by itself: by events, by asking where there are none, not at all where nobody looks; and a server that goes and comes back.
import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";
import { House, browser, go, inside, leave, login, page, settled } from "./house.mjs";

let house, chrome;
before(async () => {
  house = await House.start();
  house.backup();
  chrome = await browser();
}, { timeout: 120_000 });
afterEach((context) => leave(chrome, context));
after(async () => {
  await chrome?.close();
  await house?.end();
});

const TIME = { timeout: 90_000 };
const collect = () => house.manager("garbage-collection", "start", "main");
/** What was asked for since, by path without parameters. */
function asked(page) {
  const all = [];
  page.on("request", (request) => {
    const url = new URL(request.url());
    if (url.pathname.startsWith("/api2")) all.push(url.pathname.replace("/api2/json", ""));
  });
  return all;
}
/** Streams that the page has opened, and whether they still are. */
const streams = (page) => page.addInitScript(() => {
  globalThis.streams = [];
  globalThis.EventSource = class extends EventSource {
    constructor(...given) {
      super(...given);
      globalThis.streams.push(this);
    }
  };
});
const open = (page) => page.evaluate(() => globalThis.streams.filter((one) => one.readyState !== EventSource.CLOSED).length);

test("a task is seen as it begins and ends, without asking all the time", TIME, async () => {
  const { page: shown, complaints } = await inside(chrome, house);
  await go(shown, "tasks?typefilter=garbage");
  await settled(shown);
  await shown.waitForTimeout(2000);
  const seen = asked(shown);
  await shown.waitForTimeout(6000);
  assert.deepEqual(seen, [], "nothing happens, nothing is asked for");
  collect();
  await shown.getByRole("row", { name: /Garbage collection/ }).getByText("OK").waitFor({ timeout: 10_000 });
  await shown.waitForTimeout(3000);
  assert.ok(seen.length <= 20, `few questions for one task: ${seen}`);
  assert.deepEqual(complaints, []);
});

test("no view asks without end", TIME, async () => {
  const { page: shown, complaints } = await inside(chrome, house);
  for (const place of ["dashboard", "store/main/content", "store/main/summary", "store/main/jobs", "store/main/options", "jobs", "access/users", "config/node"]) {
    await go(shown, place);
    await settled(shown);
    await shown.waitForTimeout(1200);
    const seen = asked(shown);
    await shown.waitForTimeout(1500);
    assert.ok(seen.length <= 3, `${place}: ${seen}`);
  }
  // The journal is read on, not anew.
  await go(shown, "node/journal");
  await settled(shown);
  const queries = [];
  shown.on("request", (request) => request.url().includes("/journal") && queries.push(new URL(request.url()).search));
  await shown.waitForTimeout(4500);
  assert.ok(queries.length >= 1 && queries.every((query) => query.includes("startcursor=")), String(queries));
  const lines = shown.locator("pre.log");
  const before = (await lines.textContent()).split("\n").length;
  house.manager("datastore", "list");
  const other = await page(chrome, house);
  await login(other.page);
  await shown.waitForFunction((n) => (document.querySelector("pre.log")?.textContent ?? "").split("\n").length > n, before, { timeout: 10_000 });
  assert.deepEqual(complaints, []);
});

test("without a stream it is asked for", TIME, async () => {
  const { page: shown, complaints } = await page(chrome, house, { allow: /404 \(Not Found\).*\/events/ });
  await shown.route("**/api2/json/events", (route) => route.fulfill({ status: 404, body: "Path '/api2/json/events' not found." }));
  await login(shown);
  await shown.locator("nav.side").waitFor();
  await go(shown, "tasks?typefilter=garbage");
  await settled(shown);
  const rows = shown.getByRole("row", { name: /Garbage collection/ });
  const before = await rows.count();
  const seen = asked(shown);
  // One that runs long enough to be seen running: verification of nothing is too quick.
  const running = shown.waitForResponse(async (answer) => answer.url().includes("running=1") && (await answer.json()).data.length > 0, { timeout: 30_000 });
  await shown.route("**/nodes/localhost/tasks?running=1**", async (route) => {
    const answer = await route.fetch();
    const json = await answer.json();
    if (!shown.told) json.data = [{ upid: "UPID:vm:00000001:00000001:00000001:6B0BCD10:garbage_collection:main:root@pam:", node: "localhost", pid: 1, pstart: 1, starttime: 1, worker_type: "garbage_collection", worker_id: "main", user: "root@pam" }];
    shown.told = true;
    await route.fulfill({ response: answer, json });
  });
  collect();
  await running;
  await shown.waitForFunction((n) => document.querySelectorAll(".tr").length > n, before, { timeout: 30_000 });
  assert.ok(seen.filter((path) => path === "/events").length <= 1, "the stream is not tried all the time");
  assert.ok(seen.length <= 16, String(seen));
  assert.deepEqual(complaints, []);
});

test("a hidden tab holds no stream and asks nothing; looked at again it knows", TIME, async () => {
  const { page: shown, complaints } = await page(chrome, house);
  await streams(shown);
  await shown.reload();
  await login(shown);
  await shown.locator("nav.side").waitFor();
  await go(shown, "tasks?typefilter=garbage");
  await settled(shown);
  assert.equal(await open(shown), 1);
  const rows = shown.getByRole("row", { name: /Garbage collection/ });
  const before = await rows.count();
  const hide = (hidden) => shown.evaluate((to) => {
    Object.defineProperty(document, "hidden", { value: to, configurable: true });
    Object.defineProperty(document, "visibilityState", { value: to ? "hidden" : "visible", configurable: true });
    document.dispatchEvent(new Event("visibilitychange"));
  }, hidden);
  await hide(true);
  assert.equal(await open(shown), 0);
  const seen = asked(shown);
  collect();
  await shown.waitForTimeout(5000);
  assert.deepEqual(seen, []);
  await hide(false);
  await shown.waitForFunction((n) => document.querySelectorAll(".tr").length > n, before, { timeout: 10_000 });
  assert.equal(await open(shown), 1);
  // Another user, another stream; nobody, none.
  await shown.getByRole("button", { name: /Account/ }).click();
  await shown.getByRole("menuitem", { name: "Log out" }).click();
  await shown.locator('[name="password"]').waitFor();
  assert.equal(await open(shown), 0);
  assert.deepEqual(complaints, []);
});

test("a lost server is told, and its return noticed, where one was and with what was typed", TIME, async () => {
  const { page: shown, complaints } = await inside(chrome, house, { allow: /ERR_CONNECTION|ERR_HTTP2|ERR_EMPTY|ERR_NETWORK|ERR_FAILED/ });
  await go(shown, "store/main/content");
  await shown.getByRole("button", { name: "Add namespace" }).click();
  await shown.getByRole("dialog").locator('[name="name"]').fill("kept");
  await house.close();
  await shown.getByRole("dialog").getByRole("button", { name: "Add" }).click();
  await shown.locator(".banner").waitFor({ timeout: 20_000 });
  await shown.getByRole("dialog").getByText("The server cannot be reached").waitFor();
  await house.open(house.address);
  await shown.locator(".banner").waitFor({ state: "detached", timeout: 25_000 });
  await shown.getByRole("dialog").getByRole("button", { name: "Add" }).click();
  await shown.getByRole("link", { name: "kept" }).waitFor();
  // And events come again.
  await go(shown, "tasks?typefilter=garbage");
  await settled(shown);
  const before = await shown.locator(".tr").count();
  await shown.waitForTimeout(4000);
  collect();
  await shown.waitForFunction((n) => document.querySelectorAll(".tr").length > n, before, { timeout: 15_000 });
  assert.deepEqual(complaints, []);
});

test("a started task is followed from the message to its log, and its end", TIME, async () => {
  const { page: shown, complaints } = await inside(chrome, house);
  await go(shown, "store/main/content");
  await shown.getByRole("button", { name: "Verify all" }).click();
  await shown.getByRole("dialog").getByRole("button", { name: "Verify", exact: true }).click();
  await shown.locator(".toast a").click();
  await shown.locator("pre.log").getByText("TASK OK").waitFor({ timeout: 20_000 });
  await shown.locator(".pagehead").getByText("OK", { exact: true }).waitFor();
  const [log] = await Promise.all([shown.waitForEvent("download"), shown.getByRole("link", { name: "Download log" }).click()]);
  assert.match(log.suggestedFilename(), /log|task|UPID/i);
  await shown.getByRole("link", { name: "Status" }).click();
  const start = shown.locator("dl.facts time").first();
  assert.match(await start.getAttribute("title"), /Z$/);
  assert.deepEqual(complaints, []);
});
