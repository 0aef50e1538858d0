// All views and dialogs, of a server as one finds them: accessible, quiet, narrow, by keyboard alone, fast.
import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";
import { House, TIME, USER, PASSWORD, browser, findings, go, inside, leave, login, page, settled, until } from "./house.mjs";
import { DIALOGS, VIEWS } from "./places.mjs";

let house, chrome;
before(async () => {
  house = await House.start({ seed: [5, 200, 5000] });
  house.backup();
  house.manager("prune-job", "create", "nightly", "--store", "seeded", "--schedule", "daily", "--keep-daily", "7");
  house.manager("verify-job", "create", "weekly", "--store", "seeded", "--schedule", "weekly");
  chrome = await browser();
}, TIME);
afterEach((context) => leave(chrome, context));
after(async () => {
  await chrome?.close();
  await house?.end();
});

// What may be refused to whoever asks: a datastore that is not there.
const QUIET = /40[034] \(.*nothere/;

/** Width that a page needs, where it has more than there is: the window, or a dialog inside. */
const wide = (page) => page.evaluate(() => {
  const over = [...document.querySelectorAll("dialog[open] .body, .panel, dialog[open]")].filter((one) => one.scrollWidth > one.clientWidth + 1 && getComputedStyle(one).overflowX !== "visible").map((one) => `${one.className}: ${one.scrollWidth} > ${one.clientWidth}`);
  const root = document.documentElement;
  return [...(root.scrollWidth > root.clientWidth ? [`page: ${root.scrollWidth} > ${root.clientWidth}`] : []), ...over];
});

for (const colorScheme of ["light", "dark"]) {
  test(`views are accessible and quiet: ${colorScheme}`, TIME, async () => {
    const { page: shown, complaints } = await inside(chrome, house, { colorScheme, allow: QUIET });
    const bad = [];
    for (const [name, place] of Object.entries(VIEWS)) {
      await go(shown, place);
      await settled(shown);
      bad.push(...[...(await findings(shown)), ...(await wide(shown))].map((one) => `${name}: ${one}`));
    }
    assert.deepEqual(bad, []);
    assert.deepEqual(complaints, []);
  });

  test(`dialogs are accessible and quiet: ${colorScheme}`, TIME, async () => {
    const { page: shown, complaints } = await inside(chrome, house, { colorScheme });
    const bad = [];
    for (const [name, [place, open]] of Object.entries(DIALOGS)) {
      await go(shown, place);
      await settled(shown);
      await open(shown);
      await shown.locator("dialog[open]").waitFor();
      await settled(shown);
      bad.push(...(await findings(shown)).map((one) => `${name}: ${one}`));
      await shown.keyboard.press("Escape");
      await shown.locator("dialog").waitFor({ state: "detached" });
    }
    assert.deepEqual(bad, []);
    assert.deepEqual(complaints, []);
  });
}

test("in German views are accessible, and nothing is wider than a telephone", TIME, async () => {
  const { page: shown, complaints } = await inside(chrome, house, { viewport: { width: 360, height: 740 }, locale: "de-DE", allow: QUIET });
  const bad = [];
  for (const [name, place] of Object.entries(VIEWS)) {
    await go(shown, place);
    await settled(shown);
    bad.push(...[...(await findings(shown)), ...(await wide(shown))].map((one) => `${name}: ${one}`));
  }
  assert.deepEqual(bad, []);
  assert.deepEqual(complaints, []);
});

test("nothing is wider than a telephone", TIME, async () => {
  const { page: shown, complaints } = await inside(chrome, house, { viewport: { width: 360, height: 740 }, allow: QUIET });
  const bad = [];
  for (const [name, place] of Object.entries(VIEWS)) {
    await go(shown, place);
    await settled(shown);
    bad.push(...(await wide(shown)).map((one) => `${name}: ${one}`));
  }
  for (const [name, [place, open]] of Object.entries(DIALOGS)) {
    await go(shown, place);
    await settled(shown);
    await open(shown);
    await shown.locator("dialog[open]").waitFor();
    await settled(shown);
    bad.push(...(await wide(shown)).map((one) => `dialog ${name}: ${one}`));
    await shown.keyboard.press("Escape");
    await shown.locator("dialog").waitFor({ state: "detached" });
  }
  // The way around.
  await shown.getByRole("button", { name: "Menu" }).click();
  await shown.locator("nav.side").getByRole("link", { name: "Tasks" }).click();
  await shown.waitForFunction(() => location.hash === "#/tasks");
  await shown.locator("nav.side").waitFor({ state: "hidden" });
  assert.deepEqual(bad, []);
  assert.deepEqual(complaints, []);
});

test("all is done by keyboard alone", TIME, async () => {
  const { page: shown, complaints } = await page(chrome, house);
  const keys = shown.keyboard;
  const on = () => shown.evaluate(() => {
    const at = document.activeElement;
    return `${at?.getAttribute("role") ?? at?.tagName.toLowerCase()} ${at?.getAttribute("aria-label") ?? at?.textContent?.trim() ?? ""}`;
  });
  /** Tab, until what is wished for has the focus. */
  const reach = async (pattern, most = 60) => {
    for (let n = 0; n < most; n += 1) {
      if (pattern.test(await on())) return;
      await keys.press("Tab");
    }
    assert.fail(`${pattern} is not reached by Tab; at ${await on()}`);
  };
  /** A key that moves the focus; back when it has moved. */
  const step = async (key) => {
    await shown.evaluate(() => (globalThis.wasAt = document.activeElement));
    await keys.press(key);
    await shown.waitForFunction(() => document.activeElement !== globalThis.wasAt && document.activeElement !== document.body);
  };
  const down = async (pattern, most) => {
    for (let n = 0; n < most && !pattern.test(await on()); n += 1) await step("ArrowDown");
    assert.match(await on(), pattern);
  };
  /** Opens a row that unfolds; back when more rows are there. */
  const unfold = async () => {
    const rows = await shown.getByRole("grid").getAttribute("aria-rowcount");
    await keys.press("Enter");
    await shown.waitForFunction((n) => Number(document.querySelector('[role="grid"]')?.getAttribute("aria-rowcount")) > n, Number(rows));
  };
  // Log in.
  await shown.locator('[name="username"]').waitFor();
  await keys.press("Tab");
  await keys.type(USER);
  await keys.press("Tab");
  await keys.type(PASSWORD);
  await keys.press("Enter");
  await shown.locator("nav.side").waitFor();
  // To a datastore, past the navigation, into the table.
  await shown.evaluate(() => document.body.focus());
  await reach(/^a seeded/);
  await keys.press("Enter");
  await shown.getByRole("grid").waitFor();
  await settled(shown);
  await reach(/^row /);
  await down(/vm\/100/, 40);
  // Open, and down to a file; to the end and up again.
  await unfold();
  await step("ArrowDown");
  await keys.press("Enter");
  await shown.getByText("root.pxar.didx").first().waitFor();
  await step("End");
  await step("Home");
  // A row's menu, a dialog from it, and back to where one was.
  await down(/vm\/100/, 40);
  await reach(/^button Actions for vm\/100$/, 12);
  await keys.press("Enter");
  await shown.getByRole("menuitem").first().waitFor();
  await until(async () => /^menuitem/.test(await on()), "the menu has the focus");
  await down(/^menuitem Prune/, 12);
  await keys.press("Enter");
  await shown.getByRole("dialog").waitFor();
  await reach(/^input/, 6);
  await keys.press("Escape");
  await shown.getByRole("dialog").waitFor({ state: "detached" });
  await until(async () => /^button Actions for vm\/100$/.test(await on()), "the focus is where it was");
  // Escape closes a menu, too.
  await keys.press("Enter");
  await shown.getByRole("menuitem").first().waitFor();
  await keys.press("Escape");
  await shown.getByRole("menuitem").first().waitFor({ state: "hidden" });
  // Skip link, and sorting by a head.
  await go(shown, "tasks");
  await settled(shown);
  await shown.evaluate(() => { if (document.activeElement instanceof HTMLElement) document.activeElement.blur(); });
  await shown.locator("a.skip").focus();
  await keys.press("Enter");
  await until(async () => /^main/.test(await on()), "the focus is on the content");
  await reach(/^button Task$/, 40);
  await keys.press("Enter");
  await shown.locator('[role="columnheader"][aria-sort="ascending"]').waitFor();
  // Browsing an archive.
  await go(shown, "store/main/content");
  await shown.getByRole("row", { name: /host\/web/ }).waitFor();
  await settled(shown);
  await reach(/^row .*host\/web/);
  await unfold();
  await step("ArrowDown");
  await keys.press("Enter");
  await shown.getByText("root.pxar.didx").first().waitFor();
  await down(/root\.pxar/, 6);
  await keys.press("Enter");
  await shown.getByRole("row", { name: /data\.bin/ }).waitFor();
  await reach(/^row /);
  await down(/data\.bin/, 6);
  const [download] = await Promise.all([shown.waitForEvent("download"), keys.press("Enter")]);
  assert.equal(download.suggestedFilename(), "data.bin");
  assert.deepEqual(complaints, []);
});

test("it is drawn at once", TIME, async (context) => {
  const { page: shown } = await page(chrome, house);
  const TURNS = 3;
  // How fast it is depends on what else the machine does: it is told, and only a bound that is asked for is kept to.
  const most = Number(process.env.STRONGROOM_E2E_PAINT_MS ?? Infinity);
  /** The best of a few turns: what else the machine does meanwhile is not measured here. */
  const measure = async (place, there) => {
    const best = { paint: Infinity, whole: Infinity };
    for (let turn = 0; turn < TURNS && !(best.paint < 700); turn += 1) {
      await shown.goto("about:blank");
      const start = Date.now();
      await shown.goto(`${house.url}/#/${place}`);
      await shown.locator(there).first().waitFor();
      best.whole = Math.min(best.whole, Date.now() - start);
      // An element may stand in the page before the browser has written down that it drew: that is waited for.
      const painted = await shown.waitForFunction(() => performance.getEntriesByName("first-contentful-paint")[0]?.startTime);
      best.paint = Math.min(best.paint, Math.round(await painted.jsonValue()));
    }
    context.diagnostic(`${place || "login"}: first paint ${best.paint} ms, content after ${best.whole} ms`);
    assert.ok(best.paint <= most, `${place || "login"}: ${best.paint} ms`);
  };
  await measure("", "form");
  await login(shown);
  await shown.locator("nav.side").waitFor();
  for (const [place, there] of [["dashboard", ".verdict ul, .verdict.ok"], ["store/seeded/content", ".tr"], ["store/seeded/content?ns=prod", ".tr"], ["store/seeded/summary", ".panel dl"], ["tasks", ".tr"]]) await measure(place, there);
});
