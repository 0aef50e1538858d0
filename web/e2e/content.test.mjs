// What is in a datastore, and what is done with it: browsing, downloading, pruning, moving, forgetting. Each test has groups and namespaces of its own;
// host/web and host/many stay as they are.
import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, afterEach, before, test } from "node:test";
import { HOSTILE, House, TIME, USER, ZONE, ask, browser, go, inside, leave, rest, settled, until } from "./house.mjs";

const NEWEST = 1_767_225_600 - 3600;
const TIMES = [0, 1, 2, 3, 10, 40, 400].map((days) => NEWEST - days * 86_400).toSorted();
let house, chrome;
before(async () => {
  house = await House.start();
  house.backup(TIMES);
  const many = join(house.folder, "many");
  mkdirSync(many);
  for (let n = 0; n < 10_000; n += 1) writeFileSync(join(many, `file-${String(n).padStart(5, "0")}<b>`), "");
  house.client("backup", `root.pxar:${many}`, "--backup-id", "many", "--backup-time", String(NEWEST));
  chrome = await browser();
}, TIME);
afterEach((context) => leave(chrome, context));
after(async () => {
  await chrome?.close();
  await house?.end();
});

const local = (time) => new Intl.DateTimeFormat("sv-SE", { timeZone: ZONE, dateStyle: "short", timeStyle: "medium" }).format(new Date(time * 1000));
const snapshots = async (page, id) => (await ask(page, house, "/admin/datastore/main/snapshots")).filter((one) => one["backup-id"] === id).map((one) => one["backup-time"]).toSorted();
// From the menu of a row.
const menu = async (page, row, item) => {
  await row.getByRole("button", { name: /^Actions/ }).click();
  await page.getByRole("menuitem", { name: item, exact: true }).click();
};

test("a file is found by browsing and comes as it was", TIME, async () => {
  const { page, complaints } = await inside(chrome, house);
  await go(page, "store/main/content");
  await page.getByRole("row", { name: /host\/web/ }).click();
  const newest = page.getByRole("row", { name: new RegExp(local(NEWEST)) });
  // Local time, and UTC on hover.
  assert.equal(await newest.locator("time").first().getAttribute("title"), new Date(NEWEST * 1000).toISOString().replace(".000", ""));
  await newest.click();
  await page.getByRole("link", { name: "root.pxar.didx" }).click();
  await page.getByRole("row", { name: /folder/ }).first().click();
  await page.getByRole("row", { name: /inner\.txt/ }).waitFor();
  await page.keyboard.press("Backspace");
  const row = page.getByRole("row", { name: /data\.bin/ });
  const [download] = await Promise.all([page.waitForEvent("download"), row.getByRole("link", { name: "Get data.bin" }).or(row.getByRole("link", { name: /data\.bin/ })).click()]);
  assert.equal(download.suggestedFilename(), "data.bin");
  assert.ok(readFileSync(await download.path()).equals(house.bytes));
  // The hostile one too, by opening its row.
  const [hostile] = await Promise.all([page.waitForEvent("download"), page.getByRole("row", { name: /onerror/ }).press("Enter")]);
  assert.equal(readFileSync(await hostile.path(), "utf8"), "hostile");
  assert.equal(await page.locator("main img").count(), 0);
  assert.deepEqual(complaints, []);
});

test("ten thousand files are a list like any other", TIME, async () => {
  const { page, complaints } = await inside(chrome, house);
  await go(page, `store/main/files/host/many/${NEWEST}/root.pxar.didx`);
  await page.getByText("10,000 entries").waitFor();
  const rows = page.locator(".tr");
  assert.ok((await rows.count()) < 80, "only what is in sight is drawn");
  await rows.first().focus();
  await page.keyboard.press("End");
  await page.waitForFunction(() => document.activeElement?.textContent?.includes("file-09999<b>"));
  await page.keyboard.press("ArrowUp");
  await page.waitForFunction(() => document.activeElement?.textContent?.includes("file-09998"));
  await page.getByRole("button", { name: "Name" }).click();
  await page.keyboard.press("/");
  await page.keyboard.type("0500");
  await page.getByText(/of 10,?000 rows/).waitFor();
  await until(async () => (await rows.count()) === 11, "eleven rows are left");
  assert.equal(await page.locator(".tr b").count(), 0);
  assert.deepEqual(complaints, []);
});

test("a prune keeps and removes what its preview said", TIME, async () => {
  house.group("pruned", TIMES);
  const { page, complaints } = await inside(chrome, house);
  await go(page, "store/main/content");
  await menu(page, page.getByRole("row", { name: /host\/pruned/ }), "Prune");
  const dialog = page.getByRole("dialog");
  await dialog.getByText("7 stay").waitFor();
  assert.ok(await dialog.getByRole("button", { name: "Prune", exact: true }).isDisabled(), "nothing would go");
  await dialog.locator('[name="keep-last"]').fill("2");
  await dialog.locator('[name="keep-monthly"]').fill("2");
  await dialog.getByText("4 stay").waitFor();
  await settled(page);
  // The preview is asked for when a number changes, not all the time.
  const trials = [];
  page.on("request", (request) => request.method() === "POST" && trials.push(request.url()));
  await rest(page, 1500, "the preview");
  assert.deepEqual(trials, []);
  const dots = await dialog.locator(".dot").evaluateAll((all) => all.map((one) => ({ keep: one.classList.contains("keep"), title: one.title, left: one.style.left })));
  assert.equal(dots.length, TIMES.length);
  assert.deepEqual(dots.map((one) => one.title.slice(0, 19)), TIMES.map(local), "oldest left, in local time");
  assert.deepEqual(dots.map((one) => Number.parseFloat(one.left)), dots.map((one) => Number.parseFloat(one.left)).toSorted((a, b) => a - b));
  const kept = TIMES.filter((_, i) => dots[i].keep);
  assert.equal(kept.length, 4);
  assert.deepEqual(await snapshots(page, "pruned"), TIMES, "a preview removes nothing");
  await dialog.getByRole("button", { name: "Prune", exact: true }).click();
  await dialog.waitFor({ state: "detached" });
  assert.deepEqual(await snapshots(page, "pruned"), kept);
  await page.getByRole("row", { name: /host\/pruned/ }).getByText("4", { exact: true }).waitFor();
  assert.deepEqual(complaints, []);
});

test("notes and protection are changed where they stand, as text", TIME, async () => {
  house.group("noted", [NEWEST]);
  const { page, complaints } = await inside(chrome, house);
  await go(page, "store/main/content");
  const group = page.getByRole("row", { name: /host\/noted/ });
  await group.getByRole("button", { name: /Edit the note/ }).click();
  await page.locator("input.inplace").fill(HOSTILE);
  await page.keyboard.press("Enter");
  await group.getByText(HOSTILE).waitFor();
  await group.click();
  const newest = page.getByRole("row", { name: new RegExp(local(NEWEST)) });
  await menu(page, newest, "Protect");
  await newest.getByText("Protected").waitFor({ state: "attached" });
  await newest.getByRole("button", { name: /^Actions/ }).click();
  assert.ok(await page.getByRole("menuitem", { name: "Forget" }).isDisabled(), "a protected one stays");
  await page.getByRole("menuitem", { name: "Take away protection" }).click();
  await newest.getByText("Protected").waitFor({ state: "detached" });
  for (const place of ["store/main/summary", "dashboard", "store/main/content?q=onerror"]) {
    await go(page, place);
    await settled(page);
    assert.equal(await page.locator("main img").count(), 0);
  }
  assert.deepEqual(complaints, []);
});

test("groups and namespaces move", TIME, async () => {
  house.group("mover", [NEWEST]);
  const { page, complaints } = await inside(chrome, house);
  await go(page, "store/main/content");
  const dialog = page.getByRole("dialog");
  await page.getByRole("button", { name: "Add namespace" }).click();
  await dialog.locator('[name="name"]').fill("away");
  await dialog.getByRole("button", { name: "Add" }).click();
  await page.getByRole("link", { name: "away" }).waitFor();
  await menu(page, page.getByRole("row", { name: /host\/mover/ }), "Move");
  // Where it is already is no choice.
  await dialog.locator('option[value="away"]').waitFor({ state: "attached" });
  assert.equal(await dialog.locator('option[value=""]').count(), 0);
  await dialog.locator("select").selectOption("away");
  await dialog.getByRole("button", { name: "Move" }).click();
  await page.getByRole("row", { name: /host\/mover/ }).waitFor({ state: "detached" });
  await menu(page, page.getByRole("row", { name: /away/ }), "Move");
  await dialog.locator('[name="target-ns"]').fill("moved");
  await dialog.getByRole("button", { name: "Move" }).click();
  await page.getByRole("link", { name: "moved" }).click();
  await page.getByRole("row", { name: /host\/mover/ }).waitFor();
  const names = (await ask(page, house, "/admin/datastore/main/namespace")).map((one) => one.ns);
  assert.ok(names.includes("moved") && !names.includes("away"), String(names));
  assert.deepEqual(complaints, []);
});

test("forgetting and removing want the name typed", TIME, async () => {
  house.group("forgotten", [NEWEST], "there");
  const { page, complaints } = await inside(chrome, house);
  await go(page, "store/main/content?ns=there");
  const dialog = page.getByRole("dialog");
  await menu(page, page.getByRole("row", { name: /host\/forgotten/ }), "Forget");
  const forget = dialog.getByRole("button", { name: "Forget" });
  for (const typed of ["", "host/forgotte", "host/forgotten "]) {
    await dialog.locator('[name="typed"]').fill(typed);
    assert.ok(await forget.isDisabled(), JSON.stringify(typed));
    await page.keyboard.press("Enter");
  }
  await page.getByRole("row", { name: /host\/forgotten/ }).waitFor();
  await dialog.locator('[name="typed"]').fill("host/forgotten");
  await forget.click();
  await page.getByText("Nothing is backed up here yet").waitFor();
  await go(page, "store/main/content");
  await menu(page, page.getByRole("row", { name: /there/ }), "Remove namespace");
  assert.ok(await dialog.getByRole("button", { name: "Remove" }).isDisabled());
  await dialog.locator('[name="typed"]').fill("there");
  await dialog.getByRole("button", { name: "Remove" }).click();
  await page.getByRole("link", { name: "there" }).waitFor({ state: "detached" });
  await go(page, "store/main/options");
  await page.getByRole("button", { name: /Remove datastore/ }).click();
  assert.ok(await dialog.getByRole("button", { name: "Remove" }).isDisabled());
  await page.keyboard.press("Escape");
  await dialog.waitFor({ state: "detached" });
  assert.deepEqual(complaints, []);
});

test("comments, logs and messages of others are text", TIME, async () => {
  house.manager("datastore", "update", "main", "--comment", HOSTILE);
  house.manager("prune-job", "create", "hostile", "--store", "main", "--schedule", "daily", "--keep-last", "100", "--comment", HOSTILE);
  house.manager("user", "update", USER, "--comment", HOSTILE, "--firstname", HOSTILE);
  house.manager("remote", "create", "evil", "--host", "192.0.2.1", "--auth-id", USER, "--password", "xxxxx", "--comment", HOSTILE);
  const { page, complaints } = await inside(chrome, house);
  for (const place of ["store/main/summary", "jobs", "store/main/jobs", "access/users", "config/remotes"]) {
    await go(page, place);
    await page.locator("main").getByText(HOSTILE).first().waitFor();
    assert.equal(await page.locator("main img, main script").count(), 0, place);
  }
  // The log of a task that says a hostile thing: the folder of a datastore is part of it.
  house.manager("datastore", "create", "odd", join(house.folder, HOSTILE));
  await go(page, "tasks?typefilter=create-datastore");
  await page.getByRole("row", { name: /odd/ }).click();
  await page.locator("pre.log").getByText(HOSTILE).first().waitFor();
  await page.locator('[name="search"]').fill("onerror");
  await settled(page);
  assert.equal(await page.locator("main img, main script").count(), 0);
  await go(page, "store/odd/options");
  await page.getByText(HOSTILE).waitFor();
  house.manager("datastore", "update", "odd", "--maintenance-mode", `offline,message="${HOSTILE}"`);
  await page.locator("h1 ~ .badge").getByText(HOSTILE).waitFor();
  await go(page, "dashboard");
  await page.locator(".verdict").getByText(HOSTILE).waitFor();
  assert.equal(await page.locator("main img").count(), 0);
  assert.deepEqual(complaints, []);
});

test("a job is made on the datastore's page, run, and its result seen", TIME, async () => {
  const { page, complaints } = await inside(chrome, house);
  await go(page, "store/main/jobs");
  const dialog = page.getByRole("dialog");
  const section = page.locator(".stack > div").first();
  await section.getByRole("button", { name: "Add" }).click();
  await dialog.locator('[name="id"]').fill("mine");
  await dialog.locator('[name="keep-last"]').fill("0");
  await dialog.getByRole("button", { name: "Add" }).click();
  // The browser, or else the server, says no beside the field.
  await dialog.locator('[name="keep-last"]').fill("50");
  await dialog.locator('[name="schedule"]').fill("sat 25:00");
  await dialog.getByRole("button", { name: "Add" }).click();
  await dialog.locator(".wrong, .errorbox").first().waitFor();
  await dialog.locator('[name="schedule"]').fill("sat 18:15");
  await dialog.getByRole("button", { name: "Add" }).click();
  await dialog.waitFor({ state: "detached" });
  const row = page.getByRole("row", { name: /^mine/ });
  await menu(page, row, "Run now");
  await row.getByText("OK", { exact: true }).waitFor();
  await row.getByText("OK", { exact: true }).click();
  await page.locator("pre.log").getByText("TASK OK").waitFor();
  await go(page, "jobs");
  await page.getByRole("row", { name: /^mine/ }).waitFor();
  assert.deepEqual(complaints.filter((one) => !/400 \(/.test(one)), []);
});

test("a datastore whose disk is away says so, and why it cannot be mounted", TIME, async () => {
  const file = join(house.folder, "etc/datastore.cfg");
  writeFileSync(file, `${readFileSync(file, "utf8")}\ndatastore: usb\n\tpath usb\n\tbacking-device 01234567-89ab-cdef-0123-456789abcdef\n`);
  const { page, complaints } = await inside(chrome, house);
  await page.locator('nav.side a[title*="not mounted"]').click();
  await page.getByText("disk not mounted").waitFor();
  await page.getByRole("button", { name: "Mount", exact: true }).click();
  await page.locator(".toast").first().waitFor();
  await go(page, "store/usb/options");
  await page.getByText("01234567-89ab-cdef-0123-456789abcdef").waitFor();
  await page.getByText("Collect garbage before unmounting").waitFor();
  assert.deepEqual(complaints.filter((one) => !/40[034] \(|50[013] \(/.test(one)), []);
});
