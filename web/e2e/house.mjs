// A real strongroomd with real backups in a folder of its own, and a browser that looks at it. Programs are those of `cargo build`
// (STRONGROOM_BIN: another folder than target/debug); the browser is Debian's chromium (STRONGROOM_CHROMIUM: another one). With STRONGROOM_DIST the app is
// taken from that folder instead of the one that is embedded in the server, with the headers of the server: for work on the app alone.
import { execFileSync, spawn } from "node:child_process";
import { createHmac, createPrivateKey, sign } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { extname, join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { chromium } from "playwright-core";

const root = resolve(import.meta.dirname, "../..");
export const bin = process.env.STRONGROOM_BIN ?? join(root, "target/debug");
const dist = process.env.STRONGROOM_DIST;
// A datastore is 65536 folders, which a busy disk takes a minute for.
const fast = existsSync("/dev/shm") ? "/dev/shm" : tmpdir();
const axeSource = readFileSync(join(root, "web/node_modules/axe-core/axe.min.js"), "utf8");

export const USER = "admin@pbs";
export const PASSWORD = "correct horse";
export const HOSTILE = "<img src=x onerror=alert(1)>";
/** What every page is shown in; not the machine's, so that the two cannot be mixed up unnoticed. */
export const ZONE = "America/New_York";

const FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--ignore-certificate-errors"];

/** How long a thing may take that is no matter of speed; the machine may be very busy. Nothing waits this long unless it fails. */
export const PATIENCE = 60_000;
/** Of a test, and of what comes before the first. */
export const TIME = { timeout: 600_000 };

export class House {
  // `empty`: no datastore. `seed`: numbers of namespaces, groups and snapshots of a second one, `seeded`. `steady`: on a port that is still free when the
  // server comes back to it: none that the system gives to whoever connects.
  static async start({ empty = false, seed, steady = false } = {}) {
    const house = new House();
    house.folder = mkdtempSync(join(process.env.STRONGROOM_E2E_DIR ?? fast, "strongroom-web."));
    house.places = ["--config-dir", join(house.folder, "etc"), "--state-dir", join(house.folder, "state")];
    house.manager("user", "create", USER, "--password", PASSWORD);
    house.manager("acl", "update", "/", "Admin", "--auth-id", USER);
    if (!empty) house.manager("datastore", "create", "main", join(house.folder, "main"));
    if (seed) house.seed(seed);
    for (let turn = 0; ; turn += 1) {
      try {
        await house.open(steady ? `127.0.0.1:${20_000 + Math.floor(Math.random() * 10_000)}` : "127.0.0.1:0");
        return house;
      } catch (error) {
        if (!steady || turn > 5) throw error;
      }
    }
  }

  manager(...words) {
    return execFileSync(join(bin, "strongroom-manager"), [...words, ...this.places], { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
  }

  client(...words) {
    const env = { ...process.env, PBS_PASSWORD: PASSWORD, PBS_FINGERPRINT: this.fingerprint, HOME: this.folder };
    return execFileSync(join(bin, "strongroom"), [...words, "--repository", `${USER}@${this.address}:main`], { encoding: "utf8", env, stdio: ["ignore", "pipe", "pipe"] });
  }

  seed(numbers) {
    const seeder = join(bin, "examples/seed-store");
    if (!existsSync(seeder)) throw new Error(`${seeder} is missing; build it with \`cargo build -p store --example seed-store\``);
    execFileSync(seeder, [join(this.folder, "seeded"), ...numbers.map(String), USER]);
    this.manager("datastore", "create", "seeded", join(this.folder, "seeded"), "--reuse-datastore", "true");
  }

  // Backups of files that are named as badly as names allow, a day apart; the newest of `times` is the last.
  backup(times = [1700000000, 1700086400]) {
    const source = join(this.folder, "source");
    mkdirSync(join(source, "folder"), { recursive: true });
    writeFileSync(join(source, HOSTILE.replaceAll("/", "")), "hostile");
    this.bytes = Buffer.from(Array.from({ length: 70000 }, (_, i) => (i * i) % 251));
    writeFileSync(join(source, "data.bin"), this.bytes);
    writeFileSync(join(source, "folder", "inner.txt"), "inside");
    for (const time of times) this.client("backup", `root.pxar:${source}`, "--backup-id", "web", "--backup-time", String(time));
    this.client("snapshot", "notes", "update", `host/web/${new Date(times[0] * 1000).toISOString().replace(".000", "")}`, HOSTILE);
  }

  // Small backups for one test alone, of a group and in a namespace of its own.
  group(id, times, ns) {
    const source = join(this.folder, `of-${id}`);
    mkdirSync(source, { recursive: true });
    writeFileSync(join(source, "file"), id);
    if (ns) this.client("namespace", "create", ns);
    for (const time of times) this.client("backup", `root.pxar:${source}`, "--backup-id", id, "--backup-time", String(time), ...(ns ? ["--ns", ns] : []));
  }

  async open(listen) {
    const log = join(this.folder, "server.log");
    this.server = spawn(join(bin, "strongroomd"), [...this.places, "--listen", listen, "--shutdown-limit", "5"], { stdio: ["ignore", "pipe", openSync(log, "a")] });
    const lines = createInterface({ input: this.server.stdout })[Symbol.asyncIterator]();
    const last = async () => {
      const { value } = await lines.next();
      if (value === undefined) throw new Error(`strongroomd did not start at ${listen}:\n${readFileSync(log, "utf8").slice(-2000)}`);
      return value.split(" ").at(-1);
    };
    this.url = await last();
    this.fingerprint = await last();
    this.address = this.url.replace("https://", "");
  }

  // A login as the server itself writes them, of that age; older than two hours they are over.
  ticket(seconds, user = USER) {
    const time = (Math.floor(Date.now() / 1000) - seconds).toString(16).toUpperCase().padStart(8, "0");
    const text = `PBS:${user}:${time}`;
    const key = createPrivateKey(readFileSync(join(this.folder, "etc/authkey.key")));
    return `${text}::${sign(key.asymmetricKeyType === "ed25519" ? null : "sha256", Buffer.from(text), key).toString("base64").replace(/=+$/, "")}`;
  }

  async close() {
    if (this.server.exitCode !== null || this.server.signalCode !== null) return;
    const ended = new Promise((done) => this.server.once("exit", done));
    this.server.kill("SIGTERM");
    await ended;
  }

  async end() {
    await this.close();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

export async function browser() {
  return chromium.launch({ executablePath: process.env.STRONGROOM_CHROMIUM ?? "/usr/bin/chromium", args: FLAGS, timeout: PATIENCE });
}

const TYPES = { ".html": "text/html; charset=utf-8", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml" };
// Files of another build of the app; what the server writes into its start page is taken over.
async function fromDist(context, house) {
  await context.route((url) => url.origin === house.url && !url.pathname.startsWith("/api2"), async (route) => {
    const start = await route.fetch({ url: `${house.url}/` });
    const name = new URL(route.request().url()).pathname.slice(1).replace(/(^|\/)$/, "$1index.html");
    const { "content-security-policy": policy, "x-content-type-options": sniff } = start.headers();
    let body = readFileSync(join(dist, name));
    if (name === "index.html") {
      const said = (await start.text()).match(/<meta name="strongroom-[^>]*>/g) ?? [];
      body = body.toString().replace("</head>", () => `${said.join("")}</head>`);
    }
    await route.fulfill({ body, headers: { "content-security-policy": policy, "x-content-type-options": sniff, "content-type": TYPES[extname(name)] ?? "application/octet-stream" } });
  });
}

const LOADS = ["fetch", "xhr", "script", "stylesheet", "other"];
const AT_REST = new WeakMap();
// What a page asks for, and what of that is still open. Events come on a stream of another kind.
function watch(page) {
  const state = { open: new Set(), at: Date.now(), last: [] };
  AT_REST.set(page, state);
  const ended = (request) => {
    if (state.open.delete(request)) state.at = Date.now();
  };
  page.on("request", (request) => {
    if (request.isNavigationRequest()) state.open.clear();
    if (!LOADS.includes(request.resourceType())) return;
    state.open.add(request);
    state.at = Date.now();
    state.last.push(`${request.method()} ${request.url()}`);
    if (state.last.length > 20) state.last.shift();
  });
  page.on("requestfinished", ended);
  page.on("requestfailed", ended);
}

// A page, and what its console complained about. `allow`: complaints that the test itself brings about. `script` runs in it before any other.
export async function page(browser, house, { allow, script, ...options } = {}) {
  const context = await browser.newContext({ ignoreHTTPSErrors: true, bypassCSP: false, timezoneId: ZONE, locale: "en-US", permissions: ["clipboard-read", "clipboard-write"], ...options });
  context.setDefaultTimeout(PATIENCE);
  if (dist) await fromDist(context, house);
  if (script) await context.addInitScript(script);
  const page = await context.newPage();
  watch(page);
  const complaints = [];
  const complain = (text) => {
    if (!allow?.test(text)) complaints.push(text);
  };
  page.on("console", (message) => {
    if (message.type() === "error") complain(`${message.text()} ${message.location().url}`);
  });
  page.on("pageerror", (error) => complain(String(error)));
  page.on("dialog", (dialog) => {
    complaints.push(`a script of somebody else ran: ${dialog.message()}`);
    void dialog.dismiss();
  });
  await page.goto(`${house.url}/`);
  return { page, complaints };
}

export async function login(page, user = USER, password = PASSWORD) {
  await page.locator('[name="username"]').fill(user);
  await page.locator('[name="password"]').fill(password);
  await page.locator('button[type="submit"]').click();
}

// A page that is logged in already.
export async function inside(browser, house, { user, password, ...options } = {}) {
  const opened = await page(browser, house, options);
  await login(opened.page, user, password);
  await opened.page.locator("header.top").waitFor();
  return opened;
}

// To another place; back when the page has taken notice.
export async function go(page, place) {
  await page.evaluate(async (to) => {
    const noticed = location.hash === to ? Promise.resolve() : new Promise((done) => addEventListener("hashchange", done, { once: true }));
    location.hash = to;
    await noticed;
  }, `#/${place}`);
}

/** Two pictures later: what an event brought about is drawn. */
const drawn = (page) => page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done()))));

// Until nothing is asked for and nothing is shown as being loaded, three looks in a row.
export async function settled(page) {
  const state = AT_REST.get(page);
  const late = Date.now() + PATIENCE;
  for (let calm = 0; calm < 3; ) {
    await drawn(page);
    const shown = await page.evaluate(() => document.querySelector("main, dialog, form") !== null && document.querySelector(".skeleton") === null);
    calm = shown && state.open.size === 0 ? calm + 1 : 0;
    if (calm === 0 && Date.now() > late) throw new Error(`the page does not come to rest; it waits for ${[...state.open].map((one) => one.url()).join(", ") || "nothing, and shows that it loads"}`);
    await new Promise((go) => setTimeout(go, 25));
  }
}

// Until the page has asked for nothing for so long. One that asks again and again never comes to that, however slow the machine is.
export async function rest(page, ms, about = "") {
  const state = AT_REST.get(page);
  const late = Date.now() + PATIENCE + ms;
  while (state.open.size > 0 || Date.now() - state.at < ms) {
    if (Date.now() > late) throw new Error(`${about}: it goes on asking: ${state.last.join(", ")}`);
    await new Promise((go) => setTimeout(go, 50));
  }
}

// Until a condition holds that is asked outside of the page.
export async function until(holds, what) {
  const late = Date.now() + PATIENCE;
  while (!(await holds())) {
    if (Date.now() > late) throw new Error(`it did not come to this: ${what}`);
    await new Promise((go) => setTimeout(go, 50));
  }
}

// Data of the API with the login of the page.
export async function ask(page, house, path, params = {}) {
  const answer = await page.request.get(`${house.url}/api2/json${path}?${new URLSearchParams(params)}`);
  if (!answer.ok()) throw new Error(`${path}: ${answer.status()} ${await answer.text()}`);
  return (await answer.json()).data;
}

// Serious findings of axe. It is evaluated past the page's policy, in a world of its own.
export async function findings(page) {
  const found = await page.evaluate(`${axeSource}; axe.run(document, { resultTypes: ["violations"] })`);
  return found.violations
    .filter((one) => ["serious", "critical"].includes(one.impact))
    .map((one) => `${one.id}: ${one.nodes.map((node) => node.target.join(" ")).join(", ")}`);
}

// The code that an authenticator app shows (RFC 6238: SHA-1, 6 digits, 30 seconds), a step earlier or later if wished.
export function totp(secret, step = 0) {
  const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  const bits = [...secret].map((one) => letters.indexOf(one).toString(2).padStart(5, "0")).join("");
  const key = Buffer.from(Array.from({ length: Math.floor(bits.length / 8) }, (_, i) => Number.parseInt(bits.slice(i * 8, i * 8 + 8), 2)));
  const time = Buffer.alloc(8);
  time.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000) + step));
  const mac = createHmac("sha1", key).update(time).digest();
  return String((mac.readUInt32BE(mac[19] & 15) & 0x7fffffff) % 1_000_000).padStart(6, "0");
}

// Pictures of all open pages into STRONGROOM_E2E_SHOTS, if that is set, when a test failed.
async function witness(browser, name) {
  const into = process.env.STRONGROOM_E2E_SHOTS;
  if (!into) return;
  mkdirSync(into, { recursive: true });
  for (const [i, page] of (browser?.contexts() ?? []).flatMap((context) => context.pages()).entries()) await page.screenshot({ path: join(into, `${name.replaceAll(/\W+/g, "-")}-${i}.png`) }).catch(() => undefined);
}

// After a test: pictures if it failed; then its pages go, so that none of them still asks while the next test stops the server. An answer that a test's route
// still waits for is nobody's failure then.
export async function leave(browser, context) {
  if (!context.passed) await witness(browser, context.name);
  for (const one of browser?.contexts() ?? []) {
    for (const routed of [...one.pages(), one]) await routed.unrouteAll({ behavior: "ignoreErrors" });
    await one.close();
  }
}
