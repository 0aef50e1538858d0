// The app in a browser, against a real server.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { HOSTILE, House, PASSWORD, USER, browser, findings, login, page } from "./house.mjs";

let house, chrome;
before(async () => {
  house = await House.start();
  house.backup();
  chrome = await browser();
}, { timeout: 120_000 });
after(async () => {
  await chrome?.close();
  await house?.end();
});

const TIME = { timeout: 60_000 };
const VIEWS = ["", "tasks", "jobs", "access", "config", "store/main"];

test("a wrong password is told, the right one opens", TIME, async () => {
  const { page: shown, complaints } = await page(chrome, house);
  await login(shown, undefined, "wrong horse");
  await shown.locator('[role="alert"]').first().waitFor();
  await login(shown);
  await shown.locator("nav").first().waitFor();
  const cookies = await shown.context().cookies();
  assert.ok(cookies.some((one) => one.name === "__Host-PBSAuthCookie" && one.httpOnly), "the ticket is out of reach of scripts");
  assert.deepEqual(complaints, []);
});

for (const colorScheme of ["light", "dark"]) {
  test(`views are accessible and quiet: ${colorScheme}`, TIME, async () => {
    const { page: shown, complaints } = await page(chrome, house, { colorScheme });
    await login(shown);
    await shown.locator("nav").first().waitFor();
    for (const view of VIEWS) {
      await shown.goto(`${house.url}/#/${view}`);
      await shown.waitForTimeout(700);
      assert.deepEqual(await findings(shown), [], view);
    }
    assert.deepEqual(complaints, []);
  });
}

test("names and notes from outside are text", TIME, async () => {
  const { page: shown, complaints } = await page(chrome, house);
  await login(shown);
  await shown.locator("nav").first().waitFor();
  await shown.goto(`${house.url}/#/store/main/content?group=host%2Fweb`);
  await shown.waitForTimeout(1500);
  assert.equal(await shown.locator('img[src="x"]').count(), 0);
  assert.ok((await shown.content()).length > 0 && !(await shown.content()).includes(HOSTILE));
  assert.deepEqual(complaints, []);
});

test("a file comes as it was", TIME, async () => {
  const { page: shown } = await page(chrome, house);
  await login(shown);
  await shown.locator("nav").first().waitFor();
  const path = Buffer.from("/root.pxar.didx/data.bin").toString("base64");
  const query = new URLSearchParams({ "backup-type": "host", "backup-id": "web", "backup-time": "1700000000", filepath: path });
  const answer = await shown.request.get(`${house.url}/api2/json/admin/datastore/main/pxar-file-download?${query}`);
  assert.equal(answer.status(), 200);
  assert.ok((await answer.body()).equals(house.bytes));
});

test("a lost server is told, and its return noticed", TIME, async () => {
  const { page: shown } = await page(chrome, house);
  await login(shown);
  await shown.locator("nav").first().waitFor();
  await house.close();
  // Going on notices it at once; whoever only looks, with the next question.
  await shown.evaluate(() => (location.hash = "#/tasks"));
  await shown.locator(".banner").waitFor({ timeout: 20_000 });
  await house.open(house.address);
  await shown.locator(".banner").waitFor({ state: "detached", timeout: 25_000 });
});

test("a task is told as it begins and ends, and a right as it is given", TIME, async () => {
  const { page: shown } = await page(chrome, house);
  await login(shown);
  await shown.locator("nav").first().waitFor();
  await shown.evaluate(() => {
    globalThis.told = [];
    const source = new EventSource("/api2/json/events");
    for (const name of ["hello", "task", "changed"]) source.addEventListener(name, (event) => globalThis.told.push(`${name} ${event.data}`));
  });
  const told = (pattern) => shown.waitForFunction((text) => globalThis.told.some((one) => new RegExp(text).test(one)), pattern, { timeout: 20_000 });
  await told("^hello");
  const answer = await shown.evaluate(async (login) => {
    const ticket = await (await fetch("/api2/json/access/ticket", { method: "POST", body: new URLSearchParams(login) })).json();
    return (await fetch("/api2/json/admin/datastore/main/gc", { method: "POST", headers: { CSRFPreventionToken: ticket.data.CSRFPreventionToken } })).status;
  }, { username: USER, password: PASSWORD, "http-only": "1" });
  assert.equal(answer, 200);
  await told('^task .*garbage_collection.*"status":"OK"');
  house.manager("user", "create", "other@pbs", "--password", PASSWORD);
  house.manager("acl", "update", "/datastore/main", "DatastoreAudit", "--auth-id", "other@pbs");
  await told('^changed .*config');
  const second = await page(chrome, house);
  await login(second.page, "other@pbs");
  await second.page.getByText("main").first().waitFor();
});

test("a login that is gone leads back to the login", TIME, async () => {
  const { page: shown } = await page(chrome, house);
  await login(shown);
  await shown.locator("nav").first().waitFor();
  await shown.context().clearCookies();
  await shown.goto(`${house.url}/#/tasks`);
  await shown.reload();
  await shown.locator('[name="password"]').waitFor();
});
