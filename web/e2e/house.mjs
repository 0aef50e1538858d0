// A real strongroomd with real backups in a folder of its own, and a browser that looks at it. Programs are those of `cargo build`
// (STRONGROOM_BIN: another folder than target/debug); the browser is Debian's chromium (STRONGROOM_CHROMIUM: another one).
import { execFileSync, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { chromium } from "playwright-core";

const root = resolve(import.meta.dirname, "../..");
const bin = process.env.STRONGROOM_BIN ?? join(root, "target/debug");
const axeSource = readFileSync(join(root, "web/node_modules/axe-core/axe.min.js"), "utf8");

export const USER = "admin@pbs";
export const PASSWORD = "correct horse";
export const HOSTILE = "<img src=x onerror=alert(1)>";

const FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--ignore-certificate-errors"];

export class House {
  static async start() {
    const house = new House();
    house.folder = mkdtempSync(join(process.env.STRONGROOM_E2E_DIR ?? tmpdir(), "strongroom-web."));
    house.places = ["--config-dir", join(house.folder, "etc"), "--state-dir", join(house.folder, "state")];
    house.manager("user", "create", USER, "--password", PASSWORD);
    house.manager("acl", "update", "/", "Admin", "--auth-id", USER);
    house.manager("datastore", "create", "main", join(house.folder, "main"));
    await house.open("127.0.0.1:0");
    return house;
  }

  manager(...words) {
    return execFileSync(join(bin, "strongroom-manager"), [...words, ...this.places], { encoding: "utf8" });
  }

  client(...words) {
    const env = { ...process.env, PBS_PASSWORD: PASSWORD, PBS_FINGERPRINT: this.fingerprint, HOME: this.folder };
    return execFileSync(join(bin, "strongroom"), [...words, "--repository", `${USER}@${this.address}:main`], { encoding: "utf8", env });
  }

  // Two backups of files that are named as badly as names allow.
  backup() {
    const source = join(this.folder, "source");
    mkdirSync(source, { recursive: true });
    writeFileSync(join(source, HOSTILE.replaceAll("/", "")), "hostile");
    this.bytes = Buffer.from(Array.from({ length: 70000 }, (_, i) => (i * i) % 251));
    writeFileSync(join(source, "data.bin"), this.bytes);
    this.client("backup", `root.pxar:${source}`, "--backup-id", "web", "--backup-time", "1700000000");
    this.client("backup", `root.pxar:${source}`, "--backup-id", "web", "--backup-time", "1700086400");
    this.client("snapshot", "notes", "update", "host/web/2023-11-14T22:13:20Z", HOSTILE);
  }

  async open(listen) {
    this.server = spawn(join(bin, "strongroomd"), [...this.places, "--listen", listen, "--shutdown-limit", "5"], { stdio: ["ignore", "pipe", "ignore"] });
    const lines = createInterface({ input: this.server.stdout })[Symbol.asyncIterator]();
    const last = async () => (await lines.next()).value.split(" ").at(-1);
    this.url = await last();
    this.fingerprint = await last();
    this.address = this.url.replace("https://", "");
  }

  async close() {
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
  return chromium.launch({ executablePath: process.env.STRONGROOM_CHROMIUM ?? "/usr/bin/chromium", args: FLAGS });
}

// A page, and what its console complained about.
export async function page(browser, house, options = {}) {
  const context = await browser.newContext({ ignoreHTTPSErrors: true, bypassCSP: false, ...options });
  const page = await context.newPage();
  const complaints = [];
  // A refused request is shown by the app; the console has a line of the browser's own about it.
  page.on("console", (message) => {
    if (message.type() === "error" && !message.text().startsWith("Failed to load resource")) complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(String(error)));
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

// Serious findings of axe. It is evaluated past the page's policy, in a world of its own.
export async function findings(page) {
  const found = await page.evaluate(`${axeSource}; axe.run(document, { resultTypes: ["violations"] })`);
  return found.violations
    .filter((one) => ["serious", "critical"].includes(one.impact))
    .map((one) => `${one.id}: ${one.nodes.map((node) => node.target.join(" ")).join(", ")}`);
}
