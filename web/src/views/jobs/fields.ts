// The forms of jobs.
import type { EntryKind } from "../../lib/entry/kind";
import type { FieldSpec } from "../../lib/entry/spec";
import { t, type Key } from "../../lib/text";

const KEEPS = ["last", "hourly", "daily", "weekly", "monthly", "yearly"] as const;
const keepName = (keep: (typeof KEEPS)[number]): Key => `jobs.keep.${keep}`;

/** What a job keeps, in a few words: `3 last, 7 daily`. */
export function keeps(row: Record<string, unknown>): string {
  const set = KEEPS.filter((keep) => Number(row[`keep-${keep}`] ?? 0) > 0);
  return set.length === 0 ? t("jobs.keep.nothing") : set.map((keep) => t(`jobs.kept.${keep}`, { n: String(row[`keep-${keep}`]) })).join(", ");
}

const id = (prefix: string): FieldSpec => ({ name: "id", label: t("jobs.id"), required: true, fixed: true, initial: `${prefix}-${Math.random().toString(36).slice(2, 8)}` });
const store = (stores: string[]): FieldSpec => ({ name: "store", label: t("jobs.store"), kind: "select", required: true, options: stores.map((value) => ({ value, label: value })), initial: stores[0] ?? "" });
const ns = (): FieldSpec => ({ name: "ns", label: t("jobs.ns"), hint: t("jobs.ns.hint") });
const depth = (): FieldSpec => ({ name: "max-depth", label: t("jobs.depth"), kind: "number", min: 0, max: 7, hint: t("jobs.depth.hint") });
const comment = (): FieldSpec => ({ name: "comment", label: t("comment") });
const schedule = (initial: string, required = false): FieldSpec => ({ name: "schedule", label: t("jobs.schedule"), kind: "schedule", initial, required });

export const pruneKind = (stores: string[]): EntryKind => ({
  id: "prune", label: t("jobs.prune.one"), create: "/config/prune", one: "/config/prune/{id}", key: "id", note: t("jobs.keep.note"),
  fields: () => [id("prune"), store(stores), ns(), depth(), schedule("daily", true), ...KEEPS.map((keep): FieldSpec => ({ name: `keep-${keep}`, label: t(keepName(keep)), kind: "number", min: 1 })), comment(), { name: "disable", label: t("jobs.disable"), kind: "checkbox", initial: false }],
});
export const verifyKind = (stores: string[]): EntryKind => ({
  id: "verify", label: t("jobs.verify.one"), create: "/config/verify", one: "/config/verify/{id}", key: "id",
  fields: () => [id("verify"), store(stores), ns(), depth(), schedule("weekly"), { name: "ignore-verified", label: t("jobs.ignore"), kind: "checkbox", initial: true }, { name: "outdated-after", label: t("jobs.outdated"), kind: "number", min: 0, initial: "30", hint: t("jobs.outdated.hint") }, comment(),
    { name: "read-threads", label: t("jobs.readers"), kind: "number", min: 1, max: 32, placeholder: "1", advanced: true }, { name: "verify-threads", label: t("jobs.verifiers"), kind: "number", min: 1, max: 32, placeholder: "4", advanced: true }],
});
export const syncKind = (direction: "pull" | "push", stores: string[], remotes: string[], keys: string[]): EntryKind => ({
  id: direction, label: t(direction === "pull" ? "jobs.sync.pull" : "jobs.sync.push"), create: "/config/sync", one: "/config/sync/{id}", key: "id", fixed: { "sync-direction": direction }, note: t("jobs.sync.note"),
  fields: () => [id("sync"), store(stores), ns(), { name: "remote", label: t("jobs.remote"), suggestions: remotes, required: direction === "push", hint: t("jobs.remote.hint") }, { name: "remote-store", label: t("jobs.remotestore"), required: true }, { name: "remote-ns", label: t("jobs.remotens") }, depth(), schedule("hourly"), { name: "owner", label: t("jobs.syncowner"), hint: t("jobs.syncowner.hint") }, { name: "remove-vanished", label: t("jobs.vanished"), kind: "checkbox", initial: false }, comment(),
    { name: "group-filter", label: t("jobs.filter"), kind: "list", hint: t("jobs.filter.hint"), advanced: true }, { name: "transfer-last", label: t("jobs.transferlast"), kind: "number", min: 1, advanced: true }, { name: "worker-threads", label: t("jobs.workers"), kind: "number", min: 1, max: 32, placeholder: "1", advanced: true },
    ...(direction === "push" ? [{ name: "active-encryption-key", label: t("jobs.key.active"), hint: t("jobs.key.active.hint"), suggestions: keys, advanced: true }] : []),
    { name: "associated-key", label: t(direction === "push" ? "jobs.key.former" : "jobs.key.associated"), kind: "list", hint: t(direction === "push" ? "jobs.key.former.hint" : "jobs.key.associated.hint"), advanced: true },
    ...([["rate-in", "jobs.ratein"], ["rate-out", "jobs.rateout"], ["burst-in", "jobs.burstin"], ["burst-out", "jobs.burstout"]] as const).map(([name, label]): FieldSpec => ({ name, label: t(label), hint: t("jobs.rate.hint"), advanced: true })),
    ...([["resync-corrupt", "jobs.resync"], ["encrypted-only", "jobs.encrypted"], ["verified-only", "jobs.verified"], ["run-on-mount", "jobs.onmount"], ["unmount-on-done", "jobs.unmount"]] as const).map(([name, label]): FieldSpec => ({ name, label: t(label), kind: "checkbox", initial: false, advanced: true }))],
});
export const gcKind = (storeName: string): EntryKind => ({ id: "gc", label: t("jobs.gc"), one: "/config/datastore/{name}", key: "name", lasting: true, fields: () => [{ ...schedule(""), name: "gc-schedule", from: "gc-schedule", hint: storeName }] });
