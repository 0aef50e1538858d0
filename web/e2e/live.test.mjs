// What changes by itself: by events, by asking where there are none, not at all where nobody looks; and a server that goes and comes back.
// Nothing here is a matter of speed: a page that asks without end never comes to rest (`rest`), and what is counted is counted against what caused it.
import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";
import { House, TIME, ask, browser, go, inside, leave, login, page, rest, settled, until } from "./house.mjs";
import { VIEWS } from "./places.mjs";

let house, chrome;
before(async () => {
  house = await House.start({ steady: true });
  house.backup();
  chrome = await browser();
}, TIME);
afterEach((context) => leave(chrome, context));
after(async () => {
  await chrome?.close();
  await house?.end();
});

const collect = () => house.manager("garbage-collection", "start", "main");
/** The page asks by itself every ten seconds where there is no stream. */
const LONGER_THAN_POLLS = 11_000;
const MOMENT = 1500;
/** Requests for one event at most: tasks, usage, permissions, datastores, and what the view itself shows. */
const FOR_EACH = 8;

/** What was asked for since, by path without parameters. */
function asked(page) {
  const all = [];
  page.on("request", (request) => {
    const url = new URL(request.url());
    if (url.pathname.startsWith("/api2")) all.push(url.pathname.replace("/api2/json", ""));
  });
  return all;
}
/** Streams that the page has opened, and how many events came on them. */
const script = () => {
  globalThis.streams = [];
  globalThis.told = 0;
  globalThis.EventSource = class extends EventSource {
    constructor(...given) {
      super(...given);
      globalThis.streams.push(this);
      for (const name of ["hello", "task", "changed", "resync"]) this.addEventListener(name, () => (globalThis.told += 1));
    }
  };
};
/** Until so many streams are open (1), or not closed by the page (0). */
const streams = (page, n) => page.waitForFunction((wanted) => globalThis.streams.filter((one) => one.readyState === (wanted ? EventSource.OPEN : one.readyState) && one.readyState !== EventSource.CLOSED).length === wanted, n);
const collections = (page) => page.getByRole("row", { name: /Garbage collection/ });
/** One more collection than before, and it has ended. */
const ended = (page, before) => until(async () => (await collections(page).filter({ hasText: "OK" }).count()) > before, "a collection is seen to end");
async function onTasks(shown) {
  await go(shown, "tasks?typefilter=garbage");
  await settled(shown);
}

test("a task is seen as it begins and ends, without asking all the time", TIME, async () => {
  const { page: shown, complaints } = await inside(chrome, house, { script });
  await onTasks(shown);
  await streams(shown, 1);
  await rest(shown, LONGER_THAN_POLLS, "nothing happens");
  const [seen, before, told] = [asked(shown), await collections(shown).count(), await shown.evaluate(() => globalThis.told)];
  collect();
  await ended(shown, before);
  await rest(shown, MOMENT, "after a task");
  const events = (await shown.evaluate(() => globalThis.told)) - told;
  assert.ok(events > 0 && seen.length <= FOR_EACH * events, `few questions for ${events} events: ${seen}`);
  assert.deepEqual(complaints, []);
});

test("no view asks without end", TIME, async () => {
  collect();
  const { page: shown, complaints } = await inside(chrome, house, { allow: /40[034] \(.*nothere/ });
  // The journal is followed as long as it is looked at; see below. Of `seeded` there is nothing here: `main` will do.
  const views = Object.entries(VIEWS).filter(([name]) => name !== "journal").map(([, place]) => place.replace("store/seeded", "store/main").replace("ns=prod", "q=web"));
  const [task] = await ask(shown, house, "/nodes/localhost/tasks", { limit: 1 });
  for (const place of [...new Set([...views, `tasks/${encodeURIComponent(task.upid)}`, "store/main/search?find=inner"])]) {
    await go(shown, place);
    await settled(shown);
    await rest(shown, MOMENT, place);
  }
  assert.deepEqual(complaints, []);
});

test("a page that comes late does not take the place of the one asked for after it", TIME, async () => {
  const { page: shown, complaints } = await page(chrome, house);
  let late;
  await shown.route(/\/Dashboard-.*\.js$/, (route) => (late = route));
  await login(shown);
  await until(() => late !== undefined, "the dashboard is asked for");
  await go(shown, "tasks");
  const there = shown.getByRole("heading", { name: "Tasks", level: 1 });
  await there.waitFor();
  const came = shown.waitForEvent("requestfinished", (request) => request === late.request());
  await late.fallback();
  await came;
  await settled(shown);
  assert.ok(await there.isVisible());
  assert.deepEqual(complaints, []);
});

test("the journal is read on, not anew", TIME, async () => {
  const { page: shown, complaints } = await inside(chrome, house);
  await go(shown, "node/journal");
  await settled(shown);
  const queries = [];
  shown.on("request", (request) => request.url().includes("/journal") && queries.push(new URL(request.url()).search));
  await until(() => queries.length >= 2, "the journal is asked for twice more");
  assert.ok(queries.every((query) => query.includes("startcursor=")), String(queries));
  const lines = shown.locator("pre.log");
  const before = (await lines.textContent()).split("\n").length;
  const other = await page(chrome, house);
  await login(other.page);
  await shown.waitForFunction((n) => (document.querySelector("pre.log")?.textContent ?? "").split("\n").length > n, before);
  assert.deepEqual(complaints, []);
});

test("without a stream it is asked for", TIME, async () => {
  const { page: shown, complaints } = await page(chrome, house, { allow: /404 \(Not Found\).*\/events/ });
  const began = Date.now();
  const all = asked(shown);
  await shown.route("**/api2/json/events", (route) => route.fulfill({ status: 404, body: "Path '/api2/json/events' not found." }));
  await login(shown);
  await shown.locator("nav.side").waitFor();
  await onTasks(shown);
  const before = await collections(shown).count();
  // A collection of nothing is too quick to be seen running; so the next answer says that one runs.
  let polls = 0;
  await shown.route("**/nodes/localhost/tasks?running=1**", async (route) => {
    polls += 1;
    const answer = await route.fetch();
    const json = await answer.json();
    if (polls === 1) json.data = [{ upid: "UPID:vm:00000001:00000001:00000001:6B0BCD10:garbage_collection:main:root@pam:", node: "localhost", pid: 1, pstart: 1, starttime: 1, worker_type: "garbage_collection", worker_id: "main", user: "root@pam" }];
    await route.fulfill({ response: answer, json });
  });
  const seen = asked(shown);
  collect();
  await ended(shown, before);
  assert.ok(polls >= 1, "it was asked for");
  // Each turn asks what runs, what ran last and how full the datastores are; two of them saw a change, and all that is shown was loaded anew.
  assert.ok(seen.length <= 3 * (polls + 1) + 2 * FOR_EACH, `${polls} turns: ${seen}`);
  const minutes = Math.floor((Date.now() - began) / 60_000);
  assert.ok(all.filter((path) => path === "/events").length <= 2 + minutes, "the stream is not tried all the time");
  assert.deepEqual(complaints, []);
});

test("a hidden tab holds no stream and asks nothing; looked at again it knows", TIME, async () => {
  const { page: shown, complaints } = await inside(chrome, house, { script });
  const { page: other } = await inside(chrome, house);
  await onTasks(shown);
  await onTasks(other);
  await streams(shown, 1);
  await rest(shown, MOMENT, "before it is hidden");
  const before = await collections(shown).count();
  const hide = (hidden) => shown.evaluate((to) => {
    Object.defineProperty(document, "hidden", { value: to, configurable: true });
    Object.defineProperty(document, "visibilityState", { value: to ? "hidden" : "visible", configurable: true });
    document.dispatchEvent(new Event("visibilitychange"));
  }, hidden);
  await hide(true);
  await streams(shown, 0);
  const seen = asked(shown);
  collect();
  // Who looks has seen it by now.
  await ended(other, before);
  await rest(shown, MOMENT, "while it is hidden");
  assert.deepEqual(seen, []);
  await hide(false);
  await ended(shown, before);
  await streams(shown, 1);
  // Another user, another stream; nobody, none.
  await shown.getByRole("button", { name: /Account/ }).click();
  await shown.getByRole("menuitem", { name: "Log out" }).click();
  await shown.locator('[name="password"]').waitFor();
  await streams(shown, 0);
  assert.deepEqual(complaints, []);
});

test("a lost server is told, and its return noticed, where one was and with what was typed", TIME, async () => {
  const { page: shown, complaints } = await inside(chrome, house, { script, allow: /net::ERR_/ });
  await go(shown, "store/main/content");
  await shown.getByRole("button", { name: "Add namespace" }).click();
  const dialog = shown.getByRole("dialog");
  await dialog.locator('[name="name"]').fill("kept");
  await house.close();
  await dialog.getByRole("button", { name: "Add" }).click();
  await shown.locator(".banner").waitFor();
  await dialog.getByText("The server cannot be reached").waitFor();
  await house.open(house.address);
  await shown.locator(".banner").waitFor({ state: "detached" });
  await dialog.getByRole("button", { name: "Add" }).click();
  await shown.getByRole("link", { name: "kept" }).waitFor();
  // And events come again.
  await onTasks(shown);
  await streams(shown, 1);
  const before = await collections(shown).count();
  collect();
  await ended(shown, before);
  assert.deepEqual(complaints, []);
});

test("a started task is followed from the message to its log, and its end", TIME, async () => {
  const { page: shown, complaints } = await inside(chrome, house);
  await go(shown, "store/main/content");
  await shown.getByRole("button", { name: "Verify all" }).click();
  await shown.getByRole("dialog").getByRole("button", { name: "Verify", exact: true }).click();
  await shown.locator(".toast a").click();
  await shown.locator("pre.log").getByText("TASK OK").waitFor();
  await shown.locator(".pagehead").getByText("OK", { exact: true }).waitFor();
  const [log] = await Promise.all([shown.waitForEvent("download"), shown.getByRole("link", { name: "Download log" }).click()]);
  assert.match(log.suggestedFilename(), /log|task|UPID/i);
  await shown.getByRole("link", { name: "Status" }).click();
  const start = shown.locator("dl.facts time").first();
  assert.match(await start.getAttribute("title"), /Z$/);
  assert.deepEqual(complaints, []);
});
