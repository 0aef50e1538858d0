// Configuration through its dialogs, and what stands in the files afterwards: times, rules of matchers, keys of sync jobs, thresholds, realms.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, afterEach, before, test } from "node:test";
import { House, TIME, bin, browser, findings, go, inside, leave } from "./house.mjs";

let house, chrome;
before(async () => {
  house = await House.start();
  chrome = await browser();
}, TIME);
afterEach((context) => leave(chrome, context));
after(async () => {
  await chrome?.close();
  await house?.end();
});

const file = (name) => readFileSync(join(house.folder, "etc", name), "utf8");
/** Values of a property of one section of a file, in order. */
function values(name, section, property) {
  const part = file(name).split(/\n(?=\S)/).find((one) => one.startsWith(`${section}\n`)) ?? "";
  return part.split("\n").filter((line) => line.startsWith(`\t${property} `)).map((line) => line.slice(property.length + 2));
}
const open = (page) => page.locator("dialog[open]");
const menu = async (page, row, item) => {
  await page.getByRole("row", { name: row }).getByRole("button", { name: /^Actions/ }).click();
  await page.getByRole("menuitem", { name: item, exact: true }).click();
};
const gone = (dialog) => dialog.waitFor({ state: "detached" });

test("times of a traffic rule are chosen, and what was not touched stays to the letter", TIME, async () => {
  house.manager("traffic-control", "create", "office", "--network", "10.0.0.0/8", "--rate-in", "10 MiB", "--timeframe", "Mon..Fri 8-17:30", "--timeframe", "sat,Sunday 9 - 12");
  const { page, complaints } = await inside(chrome, house);
  await go(page, "config/traffic");
  await page.getByRole("row", { name: /office/ }).click();
  const dialog = open(page);
  const first = dialog.getByRole("group", { name: "Time 1" });
  await first.waitFor();
  assert.deepEqual(await first.locator('input[type="checkbox"]').evaluateAll((all) => all.map((one) => one.checked)), [true, true, true, true, true, false, false]);
  assert.equal(await first.locator('[name$="-end"]').inputValue(), "17:30");
  // A third, by keyboard alone: days, and the times as one types them.
  await dialog.getByRole("button", { name: "Add a time" }).press("Enter");
  const third = dialog.getByRole("group", { name: "Time 3" });
  for (const day of ["Mon", "Tue", "Wed", "Thu", "Fri"]) await third.getByLabel(day).press("Space");
  // Without a day, and backwards, nothing is sent.
  await third.getByText("Choose at least one day.").waitFor();
  await dialog.getByRole("button", { name: "Save" }).click();
  assert.equal(values("traffic-control.cfg", "rule: office", "timeframe").length, 2);
  await third.getByLabel("Sun").press("Space");
  await third.locator('[name$="-start"]').fill("22:15");
  await third.getByText("It must not end before it starts").waitFor();
  await third.locator('[name$="-end"]').fill("23:59");
  assert.deepEqual(await findings(page), []);
  await dialog.getByRole("button", { name: "Save" }).click();
  await gone(dialog);
  assert.deepEqual(values("traffic-control.cfg", "rule: office", "timeframe"), ["Mon..Fri 8-17:30", "sat,Sunday 9 - 12", "sun 22:15-23:59"]);

  // One changed, one removed; the third stays.
  await page.getByRole("row", { name: /office/ }).click();
  await dialog.getByRole("group", { name: "Time 1" }).getByLabel("Wed").click();
  await dialog.getByRole("button", { name: "Remove time 2" }).click();
  await dialog.getByRole("button", { name: "Save" }).click();
  await gone(dialog);
  assert.deepEqual(values("traffic-control.cfg", "rule: office", "timeframe"), ["mon,tue,thu,fri 08:00-17:30", "sun 22:15-23:59"]);
  // All gone: always.
  await page.getByRole("row", { name: /office/ }).click();
  for (const _ of [1, 2]) await dialog.getByRole("button", { name: "Remove time 1" }).click();
  await dialog.getByText("No time is set: always.").waitFor();
  await dialog.getByRole("button", { name: "Save" }).click();
  await gone(dialog);
  assert.deepEqual(values("traffic-control.cfg", "rule: office", "timeframe"), []);
  assert.deepEqual(values("traffic-control.cfg", "rule: office", "network"), ["10.0.0.0/8"]);
  assert.deepEqual(complaints, []);
});

test("a matcher is made of rules, and one that a form cannot say stays a text", TIME, async () => {
  house.manager("notification", "matcher", "create", "odd", "--match-field", "type=gc", "--match-field", "exact:type=gc, prune", "--match-severity", "error, info", "--match-calendar", "Mon 8-9", "--target", "mail-to-root");
  const { page, complaints } = await inside(chrome, house);
  await go(page, "config/notifications");
  await page.getByRole("row", { name: /^odd/ }).click();
  const dialog = open(page);
  const rule = (n) => dialog.getByRole("group", { name: `Rule ${n}`, exact: true });
  await rule(4).waitFor();
  assert.equal(await rule(1).locator('[name$="-text"]').inputValue(), "type=gc");
  assert.equal(await rule(2).locator('[name$="-value"]').inputValue(), "gc, prune");
  assert.equal(await dialog.locator('[name="mode"]').inputValue(), "all");
  await dialog.locator('[name="mode"]').selectOption("not-any");
  // A new one: begun as a field, made an expression, of a field that is suggested.
  await dialog.getByRole("button", { name: "Add a rule" }).click();
  await rule(5).locator("select").selectOption("regex");
  await rule(5).locator('[name$="-field"]').fill("datastore");
  const fields = await rule(5).locator("datalist").first().locator("option").evaluateAll((all) => all.map((one) => one.value));
  assert.ok(fields.includes("datastore") && fields.includes("type"), String(fields));
  await rule(5).locator('[name$="-value"]').fill("^(main|a=b),.*$");
  assert.deepEqual(await findings(page), []);
  await dialog.getByRole("button", { name: "Save" }).click();
  await gone(dialog);
  const of = (property) => values("notifications.cfg", "matcher: odd", property);
  assert.deepEqual(of("match-field"), ["type=gc", "exact:type=gc, prune", "regex:datastore=^(main|a=b),.*$"]);
  assert.deepEqual([of("match-severity"), of("match-calendar"), of("mode"), of("invert-match"), of("target")], [["error, info"], ["Mon 8-9"], ["any"], ["true"], ["mail-to-root"]]);

  // What is changed is written anew, what is removed is gone; a target that is not there is told.
  const cfg = join(house.folder, "etc/notifications.cfg");
  writeFileSync(cfg, file("notifications.cfg").replace(/(matcher: odd\n(?:\t.*\n)*)/, "$1\ttarget nowhere\n"));
  await page.getByRole("row", { name: /^odd/ }).click();
  await rule(5).waitFor();
  await rule(4).getByLabel("error").click();
  await rule(4).getByLabel("warning").click();
  await dialog.getByText("nowhere (there is no such target)").click();
  await dialog.getByRole("button", { name: "Remove rule 1" }).click();
  await dialog.locator('[name="mode"]').selectOption("all");
  await dialog.getByRole("button", { name: "Save" }).click();
  await gone(dialog);
  assert.deepEqual([of("match-field"), of("match-severity"), of("target"), of("mode")], [["exact:type=gc, prune", "regex:datastore=^(main|a=b),.*$"], ["info,warning"], ["mail-to-root"], ["all"]]);
  assert.ok(["false", undefined].includes(of("invert-match")[0]));

  // A new one without any rule, on a telephone, and what is refused.
  await page.setViewportSize({ width: 360, height: 740 });
  await page.locator(".sectionhead", { hasText: "Matchers" }).getByRole("button", { name: "Add" }).click();
  await dialog.getByText("No rule is set: everything is sent.").waitFor();
  await dialog.locator('[name="name"]').fill("fresh");
  await dialog.getByRole("button", { name: "Add a rule" }).click();
  await rule(1).locator("select").selectOption("severity");
  await rule(1).getByLabel("error").click();
  await dialog.getByRole("button", { name: "Add", exact: true }).click();
  await rule(1).getByText("Choose at least one severity.").waitFor();
  assert.ok(await dialog.evaluate((one) => one.querySelector(".body").scrollWidth <= one.querySelector(".body").clientWidth + 1), "not wider than a telephone");
  await rule(1).getByLabel("warning").click();
  await dialog.getByRole("button", { name: "Add", exact: true }).click();
  await gone(dialog);
  assert.deepEqual(values("notifications.cfg", "matcher: fresh", "match-severity"), ["warning"]);
  assert.deepEqual(complaints, []);
});

test("keys of sync jobs are made, taken in, archived and removed", TIME, async () => {
  const { page, complaints } = await inside(chrome, house, { allow: /400 \(Bad Request\).*encryption-keys/ });
  await go(page, "config/keys");
  await page.getByText("No key for sync jobs.").waitFor();
  const dialog = open(page);
  const add = page.locator(".sectionhead").getByRole("button", { name: "Add" });
  await add.click();
  await dialog.locator('[name="id"]').fill("made");
  await dialog.getByRole("button", { name: "Add" }).click();
  await dialog.getByText("Keep a copy outside").waitFor();
  // Shown once: Escape does not lose it, the file is what the server has, and the client can use it.
  await page.keyboard.press("Escape");
  const [download] = await Promise.all([page.waitForEvent("download"), dialog.getByRole("button", { name: "Download" }).click()]);
  assert.equal(download.suggestedFilename(), "made.json");
  const kept = JSON.parse(readFileSync(await download.path(), "utf8"));
  const stored = JSON.parse(file("encryption-keys/made.enc"));
  assert.deepEqual([kept.data, kept.fingerprint, kept.kdf ?? null], [stored.data, stored.fingerprint, null]);
  const told = execFileSync(join(bin, "strongroom"), ["key", "show", await download.path(), "--output-format", "json"], { encoding: "utf8" });
  assert.ok(told.includes(stored.fingerprint), told);
  await dialog.getByRole("button", { name: "I have copied it" }).click();
  await gone(dialog);
  await page.getByRole("row", { name: /made/ }).getByText(stored.fingerprint).waitFor();

  // One of the client's, from its file; one with a password is refused with the server's words.
  const [plain, locked] = [join(house.folder, "plain.json"), join(house.folder, "locked.json")];
  execFileSync(join(bin, "strongroom"), ["key", "create", plain, "--kdf", "none"], { stdio: "ignore" });
  writeFileSync(locked, JSON.stringify({ ...JSON.parse(readFileSync(plain, "utf8")), data: Buffer.alloc(64, 7).toString("base64"), kdf: { Scrypt: { n: 65536, r: 8, p: 1, salt: "hGxJZ1CDWbsCN5TP+UGG4g==" } } }));
  await add.click();
  await dialog.locator('[name="id"]').fill("taken");
  const empty = join(house.folder, "empty.json");
  writeFileSync(empty, "");
  await dialog.locator('[name="file"]').setInputFiles(empty);
  await dialog.getByRole("button", { name: "Add" }).click();
  await dialog.getByRole("alert").getByText("empty.json").waitFor();
  await dialog.locator('[name="file"]').setInputFiles(locked);
  await dialog.getByRole("button", { name: "Add" }).click();
  await dialog.getByRole("alert").getByText("password").first().waitFor();
  await dialog.locator('[name="file"]').setInputFiles(plain);
  await dialog.getByRole("button", { name: "Add" }).click();
  await gone(dialog);
  assert.equal(JSON.parse(file("encryption-keys/taken.enc")).data, JSON.parse(readFileSync(plain, "utf8")).data);

  // Only an archived one can go; an archived one can come back.
  await menu(page, /taken/, "Remove");
  await dialog.locator('[name="typed"]').fill("taken");
  await dialog.getByRole("button", { name: "Remove" }).click();
  await dialog.getByRole("alert").getByText(/archive/).first().waitFor();
  await page.keyboard.press("Escape");
  await gone(dialog);
  await menu(page, /taken/, "Archive");
  await page.getByRole("row", { name: /taken/ }).locator("time").nth(1).waitFor();
  assert.equal(values("encryption-keys.cfg", "sync-key: taken", "archived-at").length, 1);
  await menu(page, /taken/, "Take out of the archive");
  await page.getByRole("row", { name: /taken/ }).locator("time").nth(1).waitFor({ state: "detached" });
  assert.equal(values("encryption-keys.cfg", "sync-key: taken", "archived-at").length, 0);
  await menu(page, /taken/, "Archive");
  await page.getByRole("row", { name: /taken/ }).locator("time").nth(1).waitFor();
  await menu(page, /taken/, "Remove");
  await dialog.locator('[name="typed"]').fill("taken");
  await dialog.getByRole("button", { name: "Remove" }).click();
  await gone(dialog);
  await page.getByRole("row", { name: /taken/ }).waitFor({ state: "detached" });
  assert.ok(!existsSync(join(house.folder, "etc/encryption-keys/taken.enc")) && existsSync(join(house.folder, "etc/encryption-keys/made.enc")));
  assert.deepEqual(complaints, []);
});

test("thresholds of notifications are set, changed and taken back", TIME, async () => {
  // Datastores in an object store are made elsewhere; what is asked here is whether there are thresholds.
  house.manager("datastore", "update", "main", "--notification-thresholds", "s3-get=1000,s3-upload=10GiB");
  const { page, complaints } = await inside(chrome, house, { allow: /400 \(Bad Request\).*\/config\/datastore\/main/ });
  await go(page, "store/main/options");
  const dialog = open(page);
  const edit = page.getByRole("button", { name: "Edit: Notification thresholds" });
  await edit.click();
  assert.equal(await dialog.locator('[name="s3-get"]').inputValue(), "1000");
  assert.deepEqual(await findings(page), []);
  await dialog.locator('[name="s3-get"]').fill("many");
  await dialog.getByRole("button", { name: "Save" }).click();
  await dialog.getByRole("alert").getByText("s3-get").waitFor();
  await dialog.locator('[name="s3-get"]').fill("");
  await dialog.locator('[name="s3-put"]').fill("5000");
  await dialog.locator('[name="counter-reset-schedule"]').fill("*-*-01 03:00");
  await dialog.getByRole("button", { name: "Save" }).click();
  await gone(dialog);
  const of = (property) => values("datastore.cfg", "datastore: main", property);
  assert.deepEqual(of("notification-thresholds")[0].split(",").toSorted(), ["s3-put=5000", "s3-upload=10GiB"]);
  assert.deepEqual(of("counter-reset-schedule"), ["*-*-01 03:00"]);
  await page.getByText("s3-put: 5000").waitFor();
  await edit.click();
  for (const name of ["s3-put", "s3-upload", "counter-reset-schedule"]) await dialog.locator(`[name="${name}"]`).fill("");
  await dialog.getByRole("button", { name: "Save" }).click();
  await gone(dialog);
  assert.deepEqual([of("notification-thresholds"), of("counter-reset-schedule")], [[], []]);
  assert.deepEqual(complaints, []);
});

test("a directory's users are taken over, or the server's text says why not", TIME, async () => {
  const { page, complaints } = await inside(chrome, house, { allow: /501 \(Not Implemented\).*\/sync/ });
  await go(page, "access/realms");
  await page.getByRole("button", { name: "LDAP" }).click();
  const dialog = open(page);
  for (const [name, value] of [["realm", "people"], ["server1", "192.0.2.1"], ["base-dn", "dc=example,dc=com"], ["user-attr", "uid"]]) await dialog.locator(`[name="${name}"]`).fill(value);
  await dialog.getByRole("button", { name: "Add" }).click();
  await gone(dialog);
  assert.deepEqual(values("domains.cfg", "ldap: people", "base-dn"), ["dc=example,dc=com"]);
  await menu(page, /^people/, "Sync users now");
  assert.deepEqual(await findings(page), []);
  await dialog.getByLabel(/permissions/i).check();
  const [request] = await Promise.all([page.waitForRequest((one) => one.url().endsWith("/access/domains/people/sync")), dialog.locator('button[type="submit"]').click()]);
  assert.deepEqual(Object.fromEntries(new URLSearchParams(request.postData())), { "dry-run": "1", "enable-new": "1", "remove-vanished": "acl" });
  const answer = await request.response();
  if (answer.status() === 501) {
    await dialog.getByRole("alert").getByText((await answer.text()).trim()).waitFor();
    await dialog.getByText("This build does not do that yet.").waitFor();
  } else await page.locator(".toast a").waitFor();
  assert.deepEqual(complaints, []);
});
