import { describe, expect, it } from "vitest";
import { cryptOf, isOld, namespaceRows, rowsOf, startOf, verifyOf, type Group, type Snapshot, type Wish } from "./rows";

const UPID = "UPID:n:0000ABCD:00000001:00000002:6929A000:verify:x:root@pam:";
function snapshot(id: string, time: number, more: Partial<Snapshot> = {}): Snapshot {
  return { "backup-type": "host", "backup-id": id, "backup-time": time, files: [{ filename: "root.pxar.didx", "crypt-mode": "none", size: 5 }], protected: false, size: 5, owner: "a@pbs", ...more };
}
function group(id: string, more: Partial<Group> = {}): Group {
  return { "backup-type": "host", "backup-id": id, "backup-count": 1, "last-backup": 100, files: [], owner: "a@pbs", ...more };
}
const wish = (more: Partial<Wish> = {}): Wish => ({ text: "", state: "all", order: "name", open: new Set<string>(), ...more });
const keys = (groups: Group[], snapshots: Snapshot[], more: Partial<Wish>) => rowsOf(groups, snapshots, wish(more)).map((row) => row.key);

describe("rows", () => {
  const groups = [group("web10"), group("web2", { comment: "shop" })];
  const all = [snapshot("web2", 100), snapshot("web2", 200, { protected: true, comment: "<b>" }), snapshot("web10", 150, { verification: { state: "failed", upid: UPID } })];
  it("sorts names by their numbers and opens groups, newest first, and snapshots", () => {
    expect(keys(groups, all, {})).toEqual(["host/web2", "host/web10"]);
    expect(keys(groups, all, { open: new Set(["host/web2", "host/web2/200"]) })).toEqual(["host/web2", "host/web2/200", "host/web2/200/root.pxar.didx", "host/web2/100", "host/web10"]);
  });
  it("finds by group, note, owner and date", () => {
    expect(keys(groups, all, { text: "shop" })).toEqual(["host/web2"]);
    expect(keys(groups, all, { text: "WEB10 a@pbs" })).toEqual(["host/web10"]);
    expect(keys(groups, all, { text: "web2 <b>", open: new Set(["host/web2"]) })).toEqual(["host/web2", "host/web2/200"]);
    expect(keys(groups, all, { text: "1970-01-01T00:02:30" })).toEqual(["host/web10"]);
    expect(keys(groups, all, { text: "nowhere" })).toEqual([]);
  });
  it("filters by state", () => {
    expect(keys(groups, all, { state: "failed" })).toEqual(["host/web10"]);
    expect(keys(groups, all, { state: "protected", open: new Set(["host/web2"]) })).toEqual(["host/web2", "host/web2/200"]);
    expect(keys(groups, all, { state: "unverified" })).toEqual(["host/web2"]);
    expect(keys(groups, all, { state: "encrypted" })).toEqual([]);
  });
  it("keeps a group without snapshots, which is still to be forgotten", () => {
    expect(keys([group("void")], [], {})).toEqual(["host/void"]);
    expect(keys([group("void")], [], { state: "failed" })).toEqual([]);
  });
  it("sorts by count", () => expect(keys([group("a"), group("web2")], all, { order: "count" })).toEqual(["host/web2", "host/a"]));
});
describe("states", () => {
  it("mixes encryption but for the manifest", () => {
    const files = (...modes: ("none" | "encrypt")[]) => modes.map((mode, i) => ({ filename: `f${i}.blob`, "crypt-mode": mode }));
    const manifest = { filename: "index.json.blob", "crypt-mode": "sign-only" as const };
    expect(cryptOf(snapshot("a", 1, { files: [...files("encrypt"), manifest] }))).toBe("encrypt");
    expect(cryptOf(snapshot("a", 1, { files: files("encrypt", "none") }))).toBe("mixed");
    expect(cryptOf(snapshot("a", 1, { files: [] }))).toBe("none");
  });
  it("sums up verification", () => {
    const ok = snapshot("a", 1, { verification: { state: "ok", upid: UPID } });
    expect(verifyOf([ok, ok]).state).toBe("ok");
    expect(verifyOf([ok, snapshot("a", 2)])).toMatchObject({ state: "none", ok: 1, none: 1 });
    expect(startOf(UPID)).toBe(0x6929a000);
    expect(isOld(verifyOf([ok]), 0x6929a000 + 31 * 86_400)).toBe(true);
    expect(isOld(verifyOf([ok]), 0x6929a000 + 86_400)).toBe(false);
  });
});
it("lists one level of namespaces", () => {
  const all = ["", "a", "a/b", "a/b/c", "ab"].map((ns) => ({ ns }));
  expect(namespaceRows(all, "").map((row) => row.name)).toEqual(["a", "ab"]);
  expect(namespaceRows(all, "a").map((row) => [row.name, row.ns])).toEqual([["..", ""], ["b", "a/b"]]);
});
