// Who may come in and do what: logins, second factors, permissions and secrets, all through the interface.
import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";
import jsQR from "jsqr";
import { HOSTILE, House, TIME, PASSWORD, USER, ask, browser, go, inside, leave, login, page, settled, totp } from "./house.mjs";

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

const REFUSED = /40[013] \(/;

test("a wrong password is told, the right one opens, and no script sees the ticket", TIME, async () => {
  const { page: shown, complaints } = await page(chrome, house, { allow: /401 \(Unauthorized\).*\/access\/ticket/ });
  await login(shown, undefined, "wrong horse");
  await shown.getByText("User name or password is wrong").waitFor();
  await login(shown);
  await shown.locator("nav.side").waitFor();
  const cookies = await shown.context().cookies();
  assert.ok(cookies.some((one) => one.name === "__Host-PBSAuthCookie" && one.httpOnly && one.secure), "the ticket is out of reach of scripts");
  assert.equal(await shown.evaluate(() => document.cookie), "");
  assert.ok(!(await shown.evaluate(() => JSON.stringify(localStorage))).includes("PBS:"));
  assert.deepEqual(complaints, []);
});

test("a ticket that is over leads to the login, and back to the same place with what was typed", TIME, async () => {
  const { page: shown, complaints } = await inside(chrome, house, { allow: /40[01] \(/ });
  await go(shown, "store/main/content?order=time");
  await shown.getByRole("button", { name: "Add namespace" }).click();
  await shown.getByRole("dialog").locator('[name="name"]').fill("typed-before");
  const over = async () => shown.context().addCookies([{ name: "__Host-PBSAuthCookie", value: encodeURIComponent(house.ticket(7300)), url: house.url, secure: true, httpOnly: true, sameSite: "Lax" }]);
  // The server itself says no to it: two hours and a little are too long.
  await over();
  const young = await shown.request.get(`${house.url}/api2/json/access/permissions`, { headers: { Cookie: `__Host-PBSAuthCookie=${encodeURIComponent(house.ticket(7000))}` } });
  assert.equal(young.status(), 200, "a younger one of the same make is good");
  await shown.getByRole("dialog").getByRole("button", { name: "Add" }).click();
  await shown.getByText("Your login ended").waitFor();
  // Escape does not lead past it.
  await shown.keyboard.press("Escape");
  await shown.keyboard.press("Escape");
  await login(shown.locator("dialog.over"));
  await shown.locator("dialog.over").waitFor({ state: "detached" });
  assert.equal(new URL(shown.url()).hash, "#/store/main/content?order=time");
  await shown.getByRole("dialog").getByRole("button", { name: "Add" }).click();
  await shown.getByRole("link", { name: "typed-before" }).waitFor();

  // The same at a reload: nothing of the pages is shown before the login.
  await over();
  await shown.reload();
  await shown.locator('[name="password"]').waitFor();
  assert.equal(await shown.locator("nav.side").count(), 0);
  await login(shown);
  await shown.getByRole("link", { name: "typed-before" }).waitFor();
  assert.equal(new URL(shown.url()).hash, "#/store/main/content?order=time");
  assert.deepEqual(complaints, []);
});

test("a user is made, given a right and loses it again, and sees the difference", TIME, async () => {
  const { page: shown, complaints } = await inside(chrome, house, { allow: REFUSED });
  await go(shown, "access/users");
  await shown.getByRole("button", { name: "Add" }).click();
  const dialog = shown.getByRole("dialog");
  await dialog.locator('[name="userid"]').fill("second@pbs");
  await dialog.locator('[name="password"]').fill("second horse");
  await dialog.locator('[name="firstname"]').fill(HOSTILE);
  await dialog.locator('[name="comment"]').fill(HOSTILE);
  await dialog.getByRole("button", { name: "Add" }).click();
  await dialog.waitFor({ state: "detached" });
  await shown.getByRole("row", { name: "second@pbs" }).getByText(HOSTILE).first().waitFor();
  assert.equal(await shown.locator("main img").count(), 0);

  const other = await inside(chrome, house, { user: "second@pbs", password: "second horse", allow: REFUSED });
  await other.page.getByText("You cannot see any datastore").waitFor();
  await go(other.page, "store/main/content");
  await other.page.getByText("You lack a permission for this").waitFor();

  await go(shown, "access/permissions");
  await shown.getByRole("button", { name: "Add" }).click();
  await dialog.locator('[name="path"]').fill("/datastore/main");
  await dialog.locator('[name="auth-id"]').fill("second@pbs");
  await dialog.getByText("No privilege on this path yet.").waitFor();
  await dialog.locator("select").selectOption("DatastoreReader");
  await dialog.getByText("Datastore.Read", { exact: true }).waitFor();
  await dialog.getByRole("button", { name: "Add" }).click();
  await dialog.waitFor({ state: "detached" });
  // The other one tries again, and the whole app knows.
  await other.page.getByRole("button", { name: "Reload" }).click();
  await other.page.getByText("Nothing is backed up here yet").waitFor();
  await other.page.locator("nav.side").getByRole("link", { name: "main" }).waitFor();

  const entry = shown.getByRole("row", { name: /second@pbs.*DatastoreReader/ });
  await entry.getByRole("button", { name: /Actions/ }).click();
  await shown.getByRole("menuitem", { name: "Remove" }).click();
  // Without the typed name nothing is removed.
  assert.ok(await dialog.getByRole("button", { name: "Remove" }).isDisabled());
  await dialog.locator('[name="typed"]').fill("second@pbs");
  await dialog.getByRole("button", { name: "Remove" }).click();
  await entry.waitFor({ state: "detached" });
  await other.page.getByRole("button", { name: "Reload" }).click();
  await other.page.getByText("You lack a permission for this").waitFor();
  await other.page.locator("nav.side").getByRole("link", { name: "main" }).waitFor({ state: "detached" });
  assert.deepEqual([...complaints, ...other.complaints], []);
});

test("a token's secret is shown once, and works", TIME, async () => {
  const { page: shown, complaints } = await inside(chrome, house);
  await go(shown, "access/tokens");
  await shown.getByRole("button", { name: "Add" }).click();
  const dialog = shown.getByRole("dialog");
  await dialog.locator('[name="token-name"]').fill("robot");
  await dialog.getByRole("button", { name: "Add" }).click();
  await shown.getByText("This is the only time it is shown").waitFor();
  const [id, secret] = await dialog.locator("code").allTextContents();
  for (const _ of [1, 2, 3]) await shown.keyboard.press("Escape");
  await shown.getByText("This is the only time it is shown").waitFor();
  await dialog.getByRole("button", { name: "Copy" }).last().click();
  assert.equal(await shown.evaluate(() => navigator.clipboard.readText()), secret);
  await dialog.getByRole("button", { name: "I have copied it" }).click();
  await dialog.waitFor({ state: "detached" });
  assert.ok(!(await shown.content()).includes(secret));
  const clean = await chrome.newContext({ ignoreHTTPSErrors: true });
  const answer = await clean.request.get(`${house.url}/api2/json/access/permissions`, { headers: { Authorization: `PBSAPIToken=${id}:${secret}` } });
  assert.equal(answer.status(), 200);
  assert.equal(id, `${USER}!robot`);
  assert.deepEqual(complaints, []);
});

/** The squares of a drawn code, read by somebody else's decoder. */
function decoded(path, side) {
  const dots = 4;
  const width = (side + 8) * dots;
  const picture = new Uint8ClampedArray(width * width * 4).fill(255);
  for (const [, x, y] of path.matchAll(/M(\d+) (\d+)h1v1h-1z/g)) {
    for (let dy = 0; dy < dots; dy += 1) for (let dx = 0; dx < dots; dx += 1) picture.fill(0, (((Number(y) + 4) * dots + dy) * width + (Number(x) + 4) * dots + dx) * 4, (((Number(y) + 4) * dots + dy) * width + (Number(x) + 4) * dots + dx) * 4 + 3);
  }
  return jsQR(picture, width, width)?.data;
}

test("a second factor is enrolled by its picture, and asked for at the login", TIME, async () => {
  house.manager("user", "create", "factor@pbs", "--password", PASSWORD);
  const { page: shown, complaints } = await inside(chrome, house, { user: "factor@pbs", allow: REFUSED });
  await go(shown, "access/factors");
  await shown.getByRole("button", { name: "Authenticator app" }).click();
  const dialog = shown.getByRole("dialog");
  const box = await dialog.locator("svg.qr").getAttribute("viewBox");
  const uri = decoded(await dialog.locator("svg.qr path").getAttribute("d"), Number(box.split(" ")[2]) - 8);
  const secret = new URL(uri).searchParams.get("secret");
  assert.match(decodeURIComponent(uri), /factor@pbs/);
  await dialog.locator('[name="description"]').fill(HOSTILE);
  await dialog.locator('[name="value"]').fill(totp(secret));
  await dialog.locator('[name="password"]').fill(PASSWORD);
  await dialog.getByRole("button", { name: "Add" }).click();
  await dialog.waitFor({ state: "detached" });
  await shown.getByRole("row", { name: /factor@pbs/ }).getByText(HOSTILE).waitFor();

  await shown.getByRole("button", { name: "Recovery codes" }).click();
  await dialog.locator('[name="password"]').fill(PASSWORD);
  await dialog.getByRole("button", { name: "Add" }).click();
  await dialog.getByRole("button", { name: "I have copied it" }).waitFor();
  const codes = (await dialog.locator("code").first().textContent()).split("\n").map((line) => line.replace(/^\d+: /, ""));
  assert.equal(codes.length, 10);
  await dialog.getByRole("button", { name: "I have copied it" }).click();

  const again = await page(chrome, house, { allow: REFUSED });
  await login(again.page, "factor@pbs");
  await again.page.getByRole("heading", { name: "Second factor" }).waitFor();
  // A code works once, and the one of the enrolment was spent.
  await again.page.locator('[name="answer"]').fill(totp(secret, 1));
  await again.page.getByRole("button", { name: "Confirm" }).click();
  await again.page.locator("nav.side").waitFor();

  const third = await page(chrome, house, { allow: REFUSED });
  await login(third.page, "factor@pbs");
  await third.page.locator('[name="kind"]').selectOption("recovery");
  await third.page.getByText("10 left").waitFor();
  await third.page.locator('[name="answer"]').fill(codes[3]);
  await third.page.getByRole("button", { name: "Confirm" }).click();
  await third.page.locator("nav.side").waitFor();
  assert.deepEqual([...complaints, ...again.complaints, ...third.complaints], []);
});

test("a logout ends the session for other tabs too", TIME, async () => {
  const { page: shown } = await inside(chrome, house, { allow: REFUSED });
  const other = await shown.context().newPage();
  await other.goto(`${house.url}/#/tasks`);
  await other.locator("nav.side").waitFor();
  await shown.getByRole("button", { name: /Account/ }).click();
  await shown.getByRole("menuitem", { name: "Log out" }).click();
  await shown.locator('[name="password"]').waitFor();
  await go(other, "jobs");
  await other.locator('[name="password"]').waitFor();
  await settled(shown);
  await assert.rejects(ask(shown, house, "/access/permissions"));
});
