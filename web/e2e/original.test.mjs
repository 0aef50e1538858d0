// The app before servers that are not ours: every view and every dialog with the routes of the original 4.2, and of 3.2, which has fewer. A view says less then;
// nothing breaks. Skipped where the lists of routes are not on this machine.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, afterEach, before, test } from "node:test";
import { House, TIME, browser, go, leave, login, page, settled, until } from "./house.mjs";
import { listOf, original } from "./original.mjs";
import { DIALOGS, VIEWS } from "./places.mjs";

const VERSIONS = { "4.2": "api-4.2.jsonl", "3.2": "api.jsonl" };
const here = Object.values(VERSIONS).some((file) => listOf(file));
let house, chrome;
before(async () => {
  if (!here) return;
  house = await House.start({ seed: [2, 10, 50] });
  house.backup();
  house.manager("prune-job", "create", "nightly", "--store", "main", "--schedule", "daily", "--keep-daily", "7");
  chrome = await browser();
}, TIME);
afterEach((context) => leave(chrome, context));
after(async () => {
  await chrome?.close();
  await house?.end();
});

/** What the older one is asked for once, to learn that it does not know it. */
const ONCE = { "4.2": [], "3.2": ["POST /access/ticket: http-only", "GET /admin/sync: sync-direction", /^GET \/admin\/datastore\/\w+\/catalog: archive-name$/] };
/** Views that say that there is no such thing there. */
const LESS = { "4.2": [], "3.2": ["s3", "keys", "dialog add-key"] };

for (const [version, name] of Object.entries(VERSIONS)) {
  const opened = async () => {
    const { page: shown, complaints } = await page(chrome, house, { allow: /404 \(|40[03] \(.*(nothere|access\/ticket|admin\/sync|archive-name)/ });
    const wrong = await original(shown.context(), house, listOf(name));
    await login(shown);
    await shown.locator("header.top").waitFor();
    return { shown, complaints, wrong };
  };
  const skipped = (context) => !listOf(name) && (context.skip(`${name} is not on this machine (STRONGROOM_SPEC)`), true);
  // Two questions at the same time may both have to learn it.
  const asExpected = (wrong) => assert.deepEqual(wrong.filter((one) => wrong.filter((other) => other === one).length > 2 || !ONCE[version].some((known) => (known instanceof RegExp ? known.test(one) : known === one))), [], `refused by ${version}`);

  test(`the routes of ${version} are enough for each view and dialog`, TIME, async (context) => {
    if (skipped(context)) return;
    const { shown, complaints, wrong } = await opened();
    const said = {};
    const look = async (what) => {
      const boxes = await shown.locator(".errorbox").allTextContents();
      if (boxes.length > 0) said[what] = boxes.join(" ");
    };
    for (const [what, place] of [...Object.entries(VIEWS), ["search", "store/main/search?find=inner"]]) {
      await go(shown, place);
      await settled(shown);
      await look(what);
    }
    for (const [what, [place, open]] of Object.entries(DIALOGS)) {
      await go(shown, place);
      await settled(shown);
      await open(shown);
      await shown.locator("dialog[open]").waitFor();
      await settled(shown);
      await look(`dialog ${what}`);
      await shown.keyboard.press("Escape");
      await shown.locator("dialog").waitFor({ state: "detached" });
    }
    assert.match(said.missing, /no such datastore/);
    delete said.missing;
    assert.deepEqual(Object.keys(said).toSorted(), LESS[version].toSorted(), JSON.stringify(said));
    for (const one of Object.values(said)) assert.match(one, /This server does not offer that/);
    asExpected(wrong);
    assert.deepEqual(complaints, []);
  });

  test(`${version}: logged in over a reload, files browsed, compared and taken out, tasks followed without events`, TIME, async (context) => {
    if (skipped(context)) return;
    const { shown, complaints, wrong } = await opened();
    await shown.reload();
    await shown.locator("header.top").waitFor();
    const older = 1700000000;
    await go(shown, `store/main/files/host/web/${older}/root.pxar.didx`);
    await shown.getByRole("row", { name: /folder/ }).click();
    await shown.getByRole("row", { name: /inner\.txt/ }).waitFor();
    await shown.keyboard.press("Backspace");
    const [download] = await Promise.all([shown.waitForEvent("download"), shown.getByRole("row", { name: /data\.bin/ }).click()]);
    assert.ok(readFileSync(await download.path()).equals(house.bytes));
    // Several at once is ours alone: here they come one by one.
    for (const name of ["data.bin", "folder"]) await shown.getByRole("checkbox", { name: `Choose ${name}` }).check();
    const names = [];
    shown.on("download", (one) => names.push(one.suggestedFilename()));
    await shown.getByRole("button", { name: /zip/ }).click();
    await until(() => names.length === 2, "two downloads");
    assert.deepEqual(names.toSorted(), ["data.bin", "folder.zip"]);
    // A comparison goes by folders; a search is not possible.
    await go(shown, "store/main/timeline/host/web");
    await shown.getByText("Compared are size, time and kind, folder by folder.").waitFor();
    await settled(shown);
    await go(shown, "store/main/search?find=inner");
    await shown.getByText("This server cannot search snapshots.").waitFor();
    await go(shown, "tasks?typefilter=garbage");
    await settled(shown);
    const rows = shown.getByRole("row", { name: /Garbage collection/ }).filter({ hasText: "OK" });
    const before = await rows.count();
    house.manager("garbage-collection", "start", "main");
    await until(async () => (await rows.count()) > before, "a task is seen");
    await shown.getByRole("button", { name: /Account/ }).click();
    await shown.getByRole("menuitem", { name: "Log out" }).click();
    await shown.locator('[name="password"]').waitFor();
    // A reload does not come back in.
    await shown.reload();
    await shown.locator('[name="password"]').waitFor();
    await until(async () => (await shown.context().cookies()).every((one) => !/AuthCookie/.test(one.name) || one.value === ""), "no ticket is left");
    assert.deepEqual(wrong.filter((one) => !ONCE[version].some((known) => (known instanceof RegExp ? known.test(one) : known === one))), [], "after each load of the page once");
    assert.deepEqual(complaints, []);
  });
}
