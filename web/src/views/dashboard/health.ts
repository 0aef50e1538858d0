// What needs attention, worked out from what was loaded. Nothing here asks the server.
import { outcome, storeOf } from "../../lib/task";
import type { StoreUsage, Task } from "../../lib/state/live.svelte";

export interface Snapshot { "backup-type": string; "backup-id": string; "backup-time": number; size?: number; verification?: { state: string } }
/** The snapshots of one namespace. */
export interface Looked { store: string; ns: string; snapshots: Snapshot[] }
export interface StoreState { store: string; maintenance?: string; "mount-status"?: string }
export interface Input { now: number; days: number; usage: StoreUsage[]; stores: StoreState[]; looked: Looked[]; unseen: { store: string; ns: string; text: string }[]; tasks: Task[] }

interface Base { severity: "bad" | "warn"; store?: string; ns?: string }
export interface Old { type: string; id: string; ns: string; last: number }
export type Finding = Base &
  (
    | { kind: "old"; store: string; groups: Old[]; of: number }
    | { kind: "empty"; store: string }
    | { kind: "task"; task: Task; times: number }
    | { kind: "recovered"; times: number }
    | { kind: "corrupt"; store: string; snapshots: (Snapshot & { ns: string })[] }
    | { kind: "unverified"; store: string; n: number; of: number }
    | { kind: "full"; store: string; part: number }
    | { kind: "filling"; store: string; date: number }
    | { kind: "maintenance"; store: string; text: string }
    | { kind: "broken"; store: string; text: string }
    | { kind: "unseen"; store: string; ns: string; text: string }
  );

const DAY = 86_400;
/** The part of the space in use, of what users can use. */
export function part(usage: StoreUsage): number | undefined {
  if (usage.used === undefined) return undefined;
  const all = usage.avail === undefined ? usage.total : usage.used + usage.avail;
  return all ? usage.used / all : undefined;
}
/** When a store will be full: only a time that is still to come. */
export function fullAt(usage: StoreUsage, now: number): number | undefined {
  const at = usage["estimated-full-date"];
  return at !== undefined && at > now ? at : undefined;
}

function ofSnapshots({ now, days, looked }: Input): Finding[] {
  const findings: Finding[] = [];
  for (const store of new Set(looked.map((one) => one.store))) {
    const groups = new Map<string, Old>();
    const corrupt: (Snapshot & { ns: string })[] = [];
    let unverified = 0;
    let n = 0;
    for (const { ns, snapshots } of looked.filter((one) => one.store === store)) {
      for (const one of snapshots) {
        // A backup that still runs has no size yet: it counts for nothing.
        if (one.size === undefined) continue;
        n += 1;
        const name = `${ns}\n${one["backup-type"]}/${one["backup-id"]}`;
        const group = groups.get(name);
        if (!group) groups.set(name, { type: one["backup-type"], id: one["backup-id"], ns, last: one["backup-time"] });
        else group.last = Math.max(group.last, one["backup-time"]);
        if (one.verification?.state === "failed") corrupt.push({ ...one, ns });
        else if (!one.verification) unverified += 1;
      }
    }
    const old = [...groups.values()].filter((group) => group.last < now - days * DAY).toSorted((a, b) => a.last - b.last);
    if (n === 0) findings.push({ kind: "empty", severity: "warn", store });
    if (corrupt.length > 0) findings.push({ kind: "corrupt", severity: "bad", store, snapshots: corrupt });
    if (old.length > 0) findings.push({ kind: "old", severity: "bad", store, groups: old, of: groups.size });
    if (unverified > 0) findings.push({ kind: "unverified", severity: "warn", store, n: unverified, of: n });
  }
  return findings;
}

/** Failures whose last run failed too; what a later run made good is only counted. */
function ofTasks({ tasks, now, days }: Input): Finding[] {
  const runs = new Map<string, Task[]>();
  for (const task of tasks) {
    const is = outcome(task.status);
    // Reading sessions end as their clients like; backups that were cut short are made good by the next one.
    if (is === "running" || is === "unknown" || task.worker_type === "reader" || task.starttime < now - days * DAY) continue;
    const key = `${task.worker_type}\n${task.worker_id ?? ""}`;
    const list = runs.get(key);
    if (list) list.push(task);
    else runs.set(key, [task]);
  }
  const findings: Finding[] = [];
  let recovered = 0;
  for (const list of runs.values()) {
    list.sort((a, b) => b.starttime - a.starttime);
    const good = list.findIndex((task) => outcome(task.status) !== "error");
    const since = good < 0 ? list : list.slice(0, good);
    recovered += list.filter((task) => outcome(task.status) === "error").length - since.length;
    if (since[0]) findings.push({ kind: "task", severity: "bad", task: since[0], times: since.length, store: storeOf(since[0].worker_type, since[0].worker_id) });
  }
  if (recovered > 0) findings.push({ kind: "recovered", severity: "warn", times: recovered });
  return findings;
}

function ofStores({ usage, stores, now }: Input): Finding[] {
  const findings: Finding[] = [];
  for (const one of usage) {
    const { store } = one;
    const maintenance = stores.find((state) => state.store === store)?.maintenance;
    if (maintenance) findings.push({ kind: "maintenance", severity: "warn", store, text: maintenance });
    else if (one.error) findings.push({ kind: "broken", severity: "bad", store, text: one.error });
    const used = part(one) ?? 0;
    const full = fullAt(one, now);
    if (used >= 0.9) findings.push({ kind: "full", severity: used >= 0.95 ? "bad" : "warn", store, part: used });
    if (full !== undefined && full < now + 90 * DAY) findings.push({ kind: "filling", severity: full < now + 14 * DAY ? "bad" : "warn", store, date: full });
  }
  return findings;
}

/** Bad ones first, in the order of how near they are to lost data. */
export function findings(input: Input): Finding[] {
  const unseen: Finding[] = input.unseen.map((one) => ({ kind: "unseen", severity: "warn", ...one }));
  const all = [...ofSnapshots(input), ...ofStores(input), ...ofTasks(input), ...unseen];
  return [...all.filter((one) => one.severity === "bad"), ...all.filter((one) => one.severity === "warn")];
}
/** Groups with a recent backup, and all of them. */
export function groupCount(looked: Looked[]): number {
  return new Set(looked.flatMap(({ store, ns, snapshots }) => snapshots.map((one) => `${store}\n${ns}\n${one["backup-type"]}/${one["backup-id"]}`))).size;
}
