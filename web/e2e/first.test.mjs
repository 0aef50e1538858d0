// The first run: an empty server, its first datastore, an account for it, and the command that is shown, really typed.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, afterEach, before, test } from "node:test";
import { House, TIME, ask, bin, browser, go, inside, leave } from "./house.mjs";

let house, chrome;
before(async () => {
  house = await House.start({ empty: true });
  chrome = await browser();
}, TIME);
afterEach((context) => leave(chrome, context));
after(async () => {
  await chrome?.close();
  await house?.end();
});

test("an empty server leads to its first backup", TIME, async () => {
  const { page, complaints } = await inside(chrome, house, { allow: /400 \(Bad Request\)/ });
  await page.getByText("There is no datastore yet").waitFor();
  await page.getByRole("link", { name: "Set up the first datastore" }).click();

  // A first try that fails says why, and can be mended.
  await page.getByLabel("Name", { exact: false }).first().fill("first");
  await page.getByLabel("Folder on the server").fill("not/absolute");
  await page.getByRole("button", { name: "Create datastore" }).click();
  await page.locator(".errorbox, .wrong, .log").first().waitFor();
  await page.getByLabel("Folder on the server").fill(join(house.folder, "first"));
  await page.getByRole("button", { name: "Create datastore" }).click();
  // A datastore is 65536 folders.
  await page.getByText("first is ready.").waitFor({ timeout: 300_000 });

  // Where it was left it goes on after a reload.
  await page.reload();
  await page.getByText("first is ready.").waitFor();
  await page.getByRole("button", { name: "Create user and token" }).click();
  const shown = page.locator(".panel", { hasText: "3. First backup" }).locator("code");
  await shown.waitFor();
  const command = await shown.textContent();

  // What is typed is what is shown, but for the whole disk.
  const source = join(house.folder, "source");
  mkdirSync(source);
  writeFileSync(join(source, "file"), "content");
  assert.match(command, /strongroom backup root\.pxar:\/$/);
  execFileSync("sh", ["-ec", `${command}${source.slice(1)} --backup-id first`], { env: { PATH: `${bin}:${process.env.PATH}`, HOME: house.folder }, stdio: "pipe" });

  await page.getByRole("link", { name: "Open the datastore" }).click();
  await page.getByText("host/first").waitFor();
  const [snapshot] = await ask(page, house, "/admin/datastore/first/snapshots");
  assert.equal(snapshot.owner, "backup@pbs!client");
  const [job] = await ask(page, house, "/config/prune");
  assert.deepEqual([job.store, job["keep-daily"], job.schedule], ["first", 7, "daily"]);
  await go(page, "dashboard");
  // The one backup was not verified yet; nothing else is amiss.
  await page.locator(".verdict", { hasText: "1 thing to look at" }).getByText("never verified: 1 of 1").waitFor();
  assert.deepEqual(complaints, []);
});
