// A datastore on a disk that can be taken away: mounted and unmounted from the app, on a file that is a disk for the time of this test. It wants root and a
// loop device, and is skipped where there are none.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, rmdirSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, afterEach, before, test } from "node:test";
import { House, PASSWORD, TIME, USER, bin, browser, go, inside, leave, settled } from "./house.mjs";

const run = (...words) => execFileSync(words[0], words.slice(1), { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] }).trim();
// Where it is mounted is not below the folders of the test: the name must be nobody else's.
const STORE = `disk${process.pid}`;
const PLACE = `/mnt/datastore/${STORE}`;
const UUID = `5ca1ab1e-0000-4000-8000-${String(process.pid).padStart(12, "0")}`;
const LINK = `/dev/disk/by-uuid/${UUID}`;
const mounted = () => readFileSync("/proc/self/mountinfo", "utf8").split("\n").some((line) => line.split(" ")[4] === PLACE);

let house, chrome, device, linked, made;
/** Why there is no disk here; nothing if there is one. */
let without;
function disk() {
  if (process.getuid() !== 0) return "mounting wants root";
  try {
    const file = join(house.folder, "disk.img");
    writeFileSync(file, "");
    // Room for the 65536 folders of a datastore, a kilobyte each.
    truncateSync(file, 400 * 1024 * 1024);
    run("mkfs.ext4", "-q", "-b", "1024", "-I", "128", "-N", "80000", "-O", "^has_journal", "-U", UUID, file);
    device = run("losetup", "--find", "--show", file);
    // Where a system without udev has no list of disks.
    made = mkdirSync("/dev/disk/by-uuid", { recursive: true });
    if (!existsSync(LINK)) {
      symlinkSync(device, LINK);
      linked = true;
    }
    house.manager("datastore", "create", STORE, "backups/box", "--backing-device", UUID);
    return undefined;
  } catch (error) {
    return `no disk can be made here: ${String(error.stderr ?? error.message).trim().split("\n").at(-1)}`;
  }
}
before(async () => {
  house = await House.start();
  without = disk();
  chrome = await browser();
}, TIME);
afterEach((context) => leave(chrome, context));
after(async () => {
  await chrome?.close();
  await house?.close();
  for (const tidy of [() => mounted() && run("umount", PLACE), () => device && run("losetup", "--detach", device), () => linked && rmSync(LINK), () => made && rmSync(made, { recursive: true }), () => existsSync(PLACE) && rmdirSync(PLACE)]) {
    try {
      tidy();
    } catch (error) {
      console.error(`left behind: ${error.message}`);
    }
  }
  await house?.end();
});

test("a disk is mounted, backed up to, unmounted and mounted again from the app", TIME, async (context) => {
  if (without) return context.skip(without);
  const { page, complaints } = await inside(chrome, house);
  await go(page, `store/${STORE}/content`);
  const [mount, unmount] = [page.getByRole("button", { name: "Mount", exact: true }), page.getByRole("button", { name: "Unmount", exact: true })];
  const dialog = page.getByRole("dialog");
  await settled(page);
  if (!mounted()) {
    await mount.click();
    await page.getByText("disk mounted", { exact: true }).waitFor();
  }
  await unmount.waitFor();
  const source = join(house.folder, "source");
  mkdirSync(source);
  writeFileSync(join(source, "file"), "on the disk");
  const env = { ...process.env, PBS_PASSWORD: PASSWORD, PBS_FINGERPRINT: house.fingerprint, HOME: house.folder };
  execFileSync(join(bin, "strongroom"), ["backup", `root.pxar:${source}`, "--backup-id", "box", "--repository", `${USER}@${house.address}:${STORE}`], { env, stdio: "pipe" });
  await page.getByRole("row", { name: /host\/box/ }).waitFor();

  // Unmounting is asked for once more, runs as a task, and is seen everywhere.
  await unmount.click();
  await dialog.getByRole("button", { name: "Unmount" }).click();
  await page.getByText("disk not mounted").waitFor();
  assert.ok(!mounted(), "the kernel says so too");
  await page.locator(`nav.side a[title*="not mounted"]`, { hasText: STORE }).waitFor();
  await go(page, "tasks?typefilter=unmount");
  await page.getByRole("row", { name: new RegExp(`Unmount.*${STORE}.*OK`) }).waitFor();

  // Mounted again it shows what is on it.
  await go(page, `store/${STORE}/content`);
  await mount.click();
  await unmount.waitFor();
  assert.ok(mounted());
  await page.getByRole("row", { name: /host\/box/ }).waitFor();
  await page.locator(`nav.side a[title*="not mounted"]`, { hasText: STORE }).waitFor({ state: "detached" });
  await unmount.click();
  await dialog.getByRole("button", { name: "Unmount" }).click();
  await mount.waitFor();
  assert.ok(!mounted());
  assert.deepEqual(complaints.filter((one) => !/40[034] \(|50[03] \(/.test(one)), []);
});
