// `npm run screenshots`: each main view in both themes, wide and on a telephone, into docs/guide/screenshots/. With names as arguments only those.
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { House, browser, go, inside, page, settled } from "./house.mjs";
import { DIALOGS, VIEWS } from "./places.mjs";

const into = process.env.STRONGROOM_SCREENSHOTS ?? resolve(import.meta.dirname, "../../docs/guide/screenshots");
/** What the guide shows; all others only if named, or with `all`. */
const MAIN = ["login", "dashboard", "summary", "content", "files", "timeline", "jobs", "tasks", "users", "notifications", "node", "prune-group", "totp"];
const named = process.argv.slice(2);
const wanted = (name) => (named.length === 0 ? MAIN.includes(name) : named.includes("all") || named.includes(name));

mkdirSync(into, { recursive: true });
const house = await House.start({ seed: [5, 200, 5000] });
// Each day brings a report, a longer log, and less of what is old: otherwise there would be nothing to compare.
for (const [i, days] of [40, 30, 20, 12, 9, 6, 5, 4, 3, 2, 1].entries()) {
  const reports = join(house.folder, "source", "reports");
  mkdirSync(reports, { recursive: true });
  writeFileSync(join(reports, `2026-${String(i + 1).padStart(2, "0")}.txt`), "report ".repeat(200 + 900 * i));
  writeFileSync(join(reports, "journal.log"), "line\n".repeat(2000 * (i + 1)));
  if (i > 3) rmSync(join(reports, `2026-${String(i - 3).padStart(2, "0")}.txt`));
  house.backup([Math.floor(Date.now() / 1000) - days * 86_400]);
}
house.manager("prune-job", "create", "nightly", "--store", "seeded", "--schedule", "daily", "--keep-daily", "7", "--comment", "A long remark about why this job is as it is, so that one sees how a long remark is cut");
house.manager("verify-job", "create", "weekly", "--store", "seeded", "--schedule", "weekly");
house.manager("garbage-collection", "start", "main");
const chrome = await browser();
// The server's statistics need some rounds before there are charts to show.
await new Promise((done) => setTimeout(done, 45_000));
try {
  for (const [size, viewport] of [["", { width: 1280, height: 800 }], ["-narrow", { width: 360, height: 740 }]]) for (const colorScheme of ["light", "dark"]) {
    // The guide's pictures: telephones in one theme are enough.
    if (size !== "" && colorScheme === "dark" && named.length === 0) continue;
    const save = async (page, name) => page.screenshot({ path: join(into, `${name}${size}-${colorScheme}.png`) });
    if (wanted("login")) {
      const { page: shown } = await page(chrome, house, { colorScheme, viewport });
      await settled(shown);
      await save(shown, "login");
    }
    const { page: shown } = await inside(chrome, house, { colorScheme, viewport });
    for (const [name, view] of Object.entries(VIEWS).filter(([name]) => wanted(name))) {
      await go(shown, view);
      await settled(shown);
      // Charts are drawn after what they show has come.
      if (name === "dashboard") await shown.locator(".verdict ul, .verdict.ok").waitFor();
      await shown.waitForTimeout(500);
      await save(shown, name);
    }
    for (const [name, [place, open]] of Object.entries(DIALOGS).filter(([name]) => wanted(name))) {
      await go(shown, place);
      await settled(shown);
      await open(shown);
      await shown.locator("dialog[open]").waitFor();
      if (name === "prune-group") await shown.locator('[name="keep-last"]').fill("4");
      await shown.waitForTimeout(500);
      await settled(shown);
      await save(shown, name);
      await shown.keyboard.press("Escape");
    }
  }
} finally {
  await chrome.close();
  await house.end();
}
