// What is there before and beside the login: a text to agree to, the guide.
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, afterEach, before, test } from "node:test";
import { HOSTILE, House, PASSWORD, TIME, USER, browser, findings, go, inside, leave, login, page, settled } from "./house.mjs";

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

const CONSENT = `# Staff only\n\nBy **order** of the [board](https://board.example).\n\n- ${HOSTILE}\n- [no](javascript:alert(1))\n\n${"A long paragraph that has to be read. ".repeat(60)}`;
const file = () => join(house.folder, "etc/node.cfg");
const consent = (text) => writeFileSync(file(), text === "" ? "" : `consent-text: ${Buffer.from(text).toString("base64")}\n`);
/** Width beyond the window. */
const wide = (page) => page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);

test("what is to be agreed to comes before the login", TIME, async () => {
  consent(CONSENT);
  for (const [colorScheme, viewport] of [["light", { width: 1280, height: 800 }], ["dark", { width: 360, height: 740 }]]) {
    const { page: shown, complaints } = await page(chrome, house, { colorScheme, viewport });
    const dialog = shown.getByRole("dialog", { name: "Before you log in" });
    await dialog.getByRole("heading", { name: "Staff only" }).waitFor();
    assert.deepEqual(await findings(shown), []);
    assert.equal(await wide(shown), 0);
    assert.match(await dialog.textContent(), /onerror=alert/);
    assert.equal(await dialog.locator("img, script").count(), 0);
    assert.deepEqual(await dialog.locator("a").evaluateAll((all) => all.map((one) => one.href)), ["https://board.example/"]);
    for (let n = 0; n < 3; n += 1) await shown.keyboard.press("Escape");
    assert.ok(await dialog.isVisible(), "there is no way around it");
    assert.equal(await shown.locator('[name="username"]').count(), 0);
    await dialog.getByRole("button", { name: "I agree" }).click();
    await login(shown);
    await shown.locator("header.top").waitFor();
    // The next one who logs in here is asked as well.
    await shown.getByRole("button", { name: /^Account/ }).click();
    await shown.getByRole("menuitem", { name: "Log out" }).click();
    await dialog.waitFor();
    assert.deepEqual(complaints, []);
  }
});

test("the text before the login is edited as text", TIME, async () => {
  consent("Old words");
  const { page: shown, complaints } = await page(chrome, house);
  await shown.getByRole("button", { name: "I agree" }).click();
  await login(shown);
  await shown.locator("nav.side").waitFor();
  await go(shown, "config/node");
  await shown.locator("dd", { hasText: "Old words" }).waitFor();
  await shown.getByRole("button", { name: "Change" }).click();
  const field = shown.getByLabel("Text before the login");
  assert.equal(await field.inputValue(), "Old words");
  await field.fill("*New* words: Zürich\nand more");
  await shown.getByRole("button", { name: "Save" }).click();
  await shown.getByRole("dialog").waitFor({ state: "detached" });
  const kept = /^consent-text: (.*)$/m.exec(readFileSync(file(), "utf8"))[1];
  assert.equal(Buffer.from(kept, "base64").toString(), "*New* words: Zürich\nand more");
  const { page: other } = await page(chrome, house);
  await other.getByRole("dialog").getByText("New words: Zürich and more").waitFor();
  assert.deepEqual(complaints, []);
});

test("settings of one's own stay in the browser, and go when asked to", TIME, async () => {
  consent("");
  const { page: shown, complaints } = await page(chrome, house);
  await shown.getByLabel("Remember the user name").check();
  await login(shown);
  await shown.locator("nav.side").waitFor();
  const settings = async () => {
    await shown.getByRole("button", { name: /^Account/ }).click();
    await shown.getByRole("menuitem", { name: "My settings" }).click();
    await shown.getByRole("dialog", { name: "My settings" }).waitFor();
  };
  const ordered = () => shown.locator('[role="columnheader"][aria-sort]').textContent();
  await go(shown, "access/roles");
  await go(shown, "access/users");
  await shown.getByRole("columnheader", { name: "Name" }).getByRole("button").first().click();
  const chosen = await ordered();
  await settings();
  await shown.locator('[name="columns"]').selectOption("1");
  await shown.locator('[name="theme"]').selectOption("dark");
  await shown.reload();
  await shown.getByRole("grid").waitFor();
  assert.equal(await ordered(), chosen);
  assert.equal(await shown.evaluate(() => document.documentElement.dataset.theme), "dark");
  await go(shown, "node");
  await shown.locator('[data-columns="1"]').waitFor();
  await settings();
  const dialog = shown.getByRole("dialog");
  await dialog.getByText(USER).waitFor();
  await dialog.getByRole("button", { name: "Forget" }).click();
  await dialog.getByRole("button", { name: "Reset" }).click();
  await dialog.getByText("All is as at first.").waitFor();
  await shown.keyboard.press("Escape");
  await shown.locator('[data-columns="auto"]').waitFor();
  await go(shown, "access/users");
  await shown.getByRole("grid").waitFor();
  assert.notEqual(await ordered(), chosen);
  await shown.getByRole("button", { name: /^Account/ }).click();
  await shown.getByRole("menuitem", { name: "Log out" }).click();
  assert.equal(await shown.locator('[name="username"]').inputValue(), "");
  assert.deepEqual(complaints, []);
});

test("who comes back from an OpenID provider is logged in, or told why not", TIME, async () => {
  consent("");
  const { page: shown, complaints } = await page(chrome, house, { allow: /401 \(Unauthorized\).*openid/ });
  // The provider, and what the server makes of its answer, are played here; the ticket is a real one.
  const asked = [];
  await shown.route("**/api2/json/access/openid/login", async (route) => {
    const sent = new URLSearchParams(route.request().postData());
    asked.push(Object.fromEntries(sent));
    if (sent.get("code") !== "good") return route.fulfill({ status: 401, body: "the provider says no" });
    const answer = await shown.request.post(`${house.url}/api2/json/access/ticket`, { form: { username: USER, password: PASSWORD, "http-only": 1 } });
    return route.fulfill({ json: await answer.json() });
  });
  let state = "";
  await shown.route("**/api2/json/access/domains", (route) => route.fulfill({ json: { data: [{ realm: "house", type: "openid", default: true }, { realm: "pbs", type: "pbs" }] } }));
  await shown.route("**/api2/json/access/openid/auth-url", (route) => route.fulfill({ json: { data: `https://provider.example/?client_id=a&state=${state}` } }));
  await shown.route("https://provider.example/**", (route) => route.fulfill({ contentType: "text/html", body: "<title>provider</title>" }));
  const begin = async (with_) => {
    state = with_;
    await shown.reload();
    await shown.getByRole("button", { name: "Continue with house" }).click();
    await shown.waitForURL(/provider/);
  };
  // A foreign state: nobody in this tab has begun that.
  await begin("mine");
  await shown.goto(`${house.url}/?state=theirs&code=good#/tasks`);
  await shown.getByRole("button", { name: "Continue with house" }).waitFor();
  assert.equal(new URL(shown.url()).search, "");
  assert.equal(await shown.getByRole("alert").count(), 0);
  assert.deepEqual(asked, []);
  await begin("s1");
  await shown.goto(`${house.url}/?state=s1&code=bad#/tasks`);
  await shown.getByRole("alert").getByText(/wrong|says no/).waitFor();
  await begin("s2");
  await shown.goto(`${house.url}/?state=s2&error=access_denied&error_description=Not+today#/tasks`);
  await shown.getByRole("alert").getByText("Not today").waitFor();
  await begin("s3");
  await shown.goto(`${house.url}/?state=s3&code=good#/tasks`);
  await shown.getByRole("heading", { name: "Tasks", level: 1 }).waitFor();
  assert.equal(new URL(shown.url()).search, "", "what works once does not stay in the address");
  assert.deepEqual(asked.map((one) => one.state), ["s1", "s3"]);
  assert.deepEqual([asked[1]["redirect-url"], asked[1]["http-only"]], [`${house.url}/`, "1"]);
  assert.deepEqual(complaints, []);
});

test("a piece of the app that does not come is told, and loaded anew", TIME, async () => {
  consent("");
  const { page: shown, complaints } = await page(chrome, house, { allow: /ERR_FAILED/ });
  await shown.locator('[name="username"]').waitFor();
  await shown.route(/\/assets\/(?!index-)[^/]*\.js$/, (route) => route.abort());
  await shown.reload();
  await shown.getByText("Strongroom could not be loaded.").waitFor();
  assert.deepEqual(await findings(shown), []);
  await shown.unrouteAll();
  await shown.getByRole("button", { name: "Reload" }).click();
  await shown.locator('[name="username"]').waitFor();
  assert.deepEqual(complaints, []);
});

test("the language is the browser's, the server's, or the chosen one", TIME, async () => {
  consent("");
  const speaks = (shown) => shown.evaluate(() => document.documentElement.lang);
  const { page: shown, complaints } = await page(chrome, house, { locale: "de-AT" });
  await shown.getByRole("button", { name: "Anmelden" }).waitFor();
  assert.equal(await speaks(shown), "de");
  assert.deepEqual(await findings(shown), []);
  // Chosen at the login, it holds for all that follows.
  await shown.getByLabel("Sprache").selectOption("en");
  await shown.getByRole("button", { name: "Log in" }).waitFor();
  assert.equal((await shown.context().cookies()).find((one) => one.name === "PBSLangCookie")?.value, "en");
  await login(shown);
  await shown.locator("nav.side").waitFor();
  await shown.getByRole("button", { name: /^Account/ }).click();
  await shown.getByRole("menuitem", { name: "My settings" }).click();
  await shown.getByLabel("Language").selectOption("de");
  await shown.getByRole("heading", { name: "Übersicht", level: 1 }).waitFor();
  await go(shown, "tasks");
  await shown.getByText(/^\d{2}\.\d{2}\.\d{4} \d{2}:\d{2}:\d{2}$/).first().or(shown.getByText("Es ist noch keine Aufgabe gelaufen.")).waitFor();
  // What the server is set to comes before what the browser asks for.
  writeFileSync(file(), "default-lang: de\n");
  const { page: other } = await page(chrome, house, { locale: "en-GB" });
  await other.getByRole("button", { name: "Anmelden" }).waitFor();
  // A language that this app does not know is none.
  writeFileSync(file(), "default-lang: ja\n");
  const { page: third } = await page(chrome, house, { locale: "en-GB" });
  await third.getByRole("button", { name: "Log in" }).waitFor();
  assert.deepEqual(complaints, []);
});

test("the guide stands beside the app", TIME, async () => {
  consent("");
  const { page: shown, complaints } = await inside(chrome, house);
  const [guide] = await Promise.all([shown.context().waitForEvent("page"), shown.getByRole("link", { name: "Guide" }).click()]);
  await guide.getByRole("heading", { name: "Guide", level: 1 }).waitFor();
  assert.equal(new URL(guide.url()).pathname, "/docs/");
  await guide.getByRole("navigation").getByRole("link", { name: "The worst day" }).click();
  await guide.locator("main").getByRole("link", { name: "A lost key" }).click();
  assert.equal(new URL(guide.url()).hash, "#a-lost-key");
  assert.ok(await guide.evaluate(() => document.querySelector(location.hash).getBoundingClientRect().top >= 0), "the heading is in sight");
  for (const colorScheme of ["light", "dark"]) {
    await guide.emulateMedia({ colorScheme });
    assert.deepEqual(await findings(guide), [], colorScheme);
  }
  // Every page fits a telephone, and no link is broken.
  await guide.setViewportSize({ width: 360, height: 740 });
  const pages = await guide.locator("nav a").evaluateAll((all) => all.map((one) => one.href));
  const ids = new Map();
  const links = new Set();
  for (const address of pages) {
    await guide.goto(address);
    assert.equal(await wide(guide), 0, address);
    ids.set(address, await guide.locator("[id]").evaluateAll((all) => all.map((one) => one.id)));
    for (const one of await guide.locator("main a").evaluateAll((all) => all.map((one) => one.href))) links.add(one);
  }
  for (const one of [...links].filter((one) => one.startsWith(house.url))) {
    const [address, part] = one.split("#");
    assert.ok(ids.has(address), `${one} leads nowhere`);
    if (part) assert.ok(ids.get(address).includes(part), `${one} leads nowhere`);
  }
  await settled(shown);
  assert.deepEqual(complaints, []);
});
