// `npm run screenshots`: each main view in both themes, into docs/guide/screenshots/.
import { mkdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { House, browser, login, page } from "./house.mjs";

const VIEWS = { dashboard: "", content: "store/main/content", store: "store/main", tasks: "tasks", jobs: "jobs", access: "access", config: "config" };
const into = resolve(import.meta.dirname, "../../docs/guide/screenshots");
mkdirSync(into, { recursive: true });
const house = await House.start();
house.backup();
const chrome = await browser();
try {
  for (const colorScheme of ["light", "dark"]) {
    const { page: shown } = await page(chrome, house, { colorScheme, viewport: { width: 1280, height: 800 } });
    await shown.waitForTimeout(500);
    await shown.screenshot({ path: join(into, `login-${colorScheme}.png`) });
    await login(shown);
    await shown.locator("nav").first().waitFor();
    for (const [name, view] of Object.entries(VIEWS)) {
      await shown.goto(`${house.url}/#/${view}`);
      await shown.waitForTimeout(1000);
      await shown.screenshot({ path: join(into, `${name}-${colorScheme}.png`) });
    }
  }
} finally {
  await chrome.close();
  await house.end();
}
