import { describe, expect, test } from "vitest";
import type { StoreUsage, Task } from "../../lib/state/live.svelte";
import { findings, fullAt, groupCount, part, type Input, type Snapshot } from "./health";
import { longest, matrix } from "./matrix";

const NOW = 1_800_000_000;
const DAY = 86_400;
const usage = (more: Partial<StoreUsage>) => ({ store: "main", "mount-status": "nonremovable", "backend-type": "filesystem", total: 1000, used: 100, avail: 900, ...more }) as StoreUsage;
const snapshot = (id: string, ago: number, more: Partial<Snapshot> = {}): Snapshot => ({ "backup-type": "host", "backup-id": id, "backup-time": NOW - ago * DAY, size: 1, verification: { state: "ok" }, ...more });
const task = (type: string, id: string | null, ago: number, status?: string, length = 10): Task => ({ upid: `${type}${id}${ago}`, worker_type: type, worker_id: id, starttime: NOW - ago * DAY, endtime: status === undefined ? undefined : NOW - ago * DAY + length, status, user: "a@pbs" }) as Task;
const input = (more: Partial<Input>): Input => ({ now: NOW, days: 30, usage: [], stores: [], looked: [], unseen: [], tasks: [], ...more });
const kinds = (more: Partial<Input>) => findings(input(more)).map((one) => `${one.severity} ${one.kind}`);

describe("findings", () => {
  test("all is well", () => {
    expect(kinds({ usage: [usage({})], looked: [{ store: "main", ns: "", snapshots: [snapshot("a", 1), snapshot("a", 60)] }], tasks: [task("backup", "main:host/a", 1, "OK")] })).toEqual([]);
  });
  test("a group counts by its newest backup, in its own namespace", () => {
    const found = findings(input({ looked: [{ store: "main", ns: "", snapshots: [snapshot("a", 1)] }, { store: "main", ns: "x", snapshots: [snapshot("a", 31), snapshot("a", 40)] }] }));
    expect(found).toEqual([{ kind: "old", severity: "bad", store: "main", of: 2, groups: [{ type: "host", id: "a", ns: "x", last: NOW - 31 * DAY }] }]);
    expect(kinds({ days: 40, looked: [{ store: "main", ns: "x", snapshots: [snapshot("a", 31)] }] })).toEqual([]);
  });
  test("a running backup is no backup", () => {
    expect(kinds({ looked: [{ store: "main", ns: "", snapshots: [snapshot("a", 0, { size: undefined }), snapshot("a", 31)] }] })).toEqual(["bad old"]);
    expect(kinds({ looked: [{ store: "main", ns: "", snapshots: [] }] })).toEqual(["warn empty"]);
  });
  test("verification", () => {
    expect(kinds({ looked: [{ store: "main", ns: "", snapshots: [snapshot("a", 1, { verification: { state: "failed" } }), snapshot("b", 1, { verification: undefined })] }] })).toEqual(["bad corrupt", "warn unverified"]);
  });
  test("failed tasks, unless a later run of the same went well", () => {
    const found = findings(input({ tasks: [task("verify", "main", 1, "broken"), task("verify", "main", 2, "broken"), task("prune", "main", 3, "broken"), task("prune", "main", 1, "WARNINGS: 1"), task("sync", "main", 31, "broken"), task("backup", "main:host/a", 1), task("reader", "main:host/a/1", 1, "connection lost")] }));
    expect(found.map((one) => [one.kind, "times" in one ? one.times : 0])).toEqual([["task", 2], ["recovered", 1]]);
    expect(found[0]?.store).toBe("main");
  });
  test("stores", () => {
    expect(kinds({ usage: [usage({ used: 960, avail: 40 }), usage({ store: "b", used: 91, avail: 9, "estimated-full-date": NOW + DAY }), usage({ store: "c", "estimated-full-date": NOW + 60 * DAY }), usage({ store: "d", "estimated-full-date": 0 })] })).toEqual(["bad full", "bad filling", "warn full", "warn filling"]);
    expect(kinds({ usage: [usage({ error: "in maintenance" })], stores: [{ store: "main", maintenance: "read-only" }] })).toEqual(["warn maintenance"]);
    expect(kinds({ usage: [usage({ error: "no such file", used: undefined })] })).toEqual(["bad broken"]);
    expect(kinds({ unseen: [{ store: "main", ns: "a", text: "timeout" }] })).toEqual(["warn unseen"]);
  });
  test("space that is kept for root is not usable", () => {
    expect(part(usage({ total: 1000, used: 450, avail: 450 }))).toBe(0.5);
    expect(part(usage({ used: undefined }))).toBeUndefined();
    expect(fullAt(usage({ "estimated-full-date": NOW - 1 }), NOW)).toBeUndefined();
  });
  test("groups are counted once", () => {
    expect(groupCount([{ store: "a", ns: "", snapshots: [snapshot("x", 1), snapshot("x", 2)] }, { store: "a", ns: "n", snapshots: [snapshot("x", 1)] }])).toBe(2);
  });
});
test("matrix", () => {
  const rows = matrix([task("backup", "a", 1, "OK"), task("backup", "a", 1), task("verificationjob", "a", 1, "failed"), task("verify_group", "a", 1, "WARNINGS: 2"), task("prunejob", "a", 1, "OK"), task("syncjob", "a", 1, "OK"), task("tape-backup", "a", 1, "OK"), task("backup", "a", 1, "unknown")]);
  expect(rows.map((row) => [row.id, row.error, row.warning, row.ok])).toEqual([["backup", 0, 0, 1], ["prune", 0, 0, 1], ["gc", 0, 0, 0], ["sync", 0, 0, 1], ["verify", 1, 1, 0]]);
});
test("longest", () => {
  expect(longest([task("a", null, 1, "OK", 5), task("b", null, 1, "OK", 50), task("c", null, 1)], 1).map((one) => one.worker_type)).toEqual(["b"]);
});
