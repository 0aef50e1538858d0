// Columns that lists of jobs share.
import type { ListColumn } from "../../lib/entry/EntryList.svelte";
import { duration } from "../../lib/format";
import { to } from "../../lib/route.svelte";
import { t } from "../../lib/text";
import type { Item } from "../../lib/ui/Menu.svelte";

export interface JobRow { id: string; store: string; ns?: string; schedule?: string; disable?: boolean; comment?: string; "last-run-endtime"?: number; "last-run-state"?: string; "last-run-upid"?: string; "next-run"?: number; "max-depth"?: number }

export const id = <T extends JobRow>(): ListColumn<T> => ({ id: "id", label: t("jobs.id"), by: (row) => row.id });
export const store = <T extends JobRow>(): ListColumn<T> => ({ id: "store", label: t("jobs.store"), by: (row) => (row.ns ? `${row.store}/${row.ns}` : row.store), priority: 2 });
/** Seconds that the last run took: from its start, which its id tells, to its end. */
function took(row: JobRow): number | undefined {
  const [start, end] = [Number.parseInt(row["last-run-upid"]?.split(":")[5] ?? "", 16), row["last-run-endtime"]];
  return Number.isFinite(start) && end ? Math.max(0, end - start) : undefined;
}
export const depth = <T extends JobRow>(): ListColumn<T> => ({ id: "depth", label: t("jobs.depth.short"), by: (row) => row["max-depth"], text: (row) => (row["max-depth"] === undefined ? t("all") : String(row["max-depth"])), align: "end", priority: 3, width: "64px" });
export const runs = <T extends JobRow>(): ListColumn<T>[] => [
  { id: "schedule", label: t("jobs.schedule"), by: (row) => row.schedule, text: (row) => (row.disable ? t("jobs.disabled") : row.schedule || t("jobs.schedule.none")), priority: 2 },
  { id: "last", label: t("jobs.last"), by: (row) => row["last-run-endtime"], as: "ago", priority: 3, width: "92px" },
  { id: "took", label: t("jobs.duration"), by: took, text: (row) => (took(row) === undefined ? "" : duration(took(row))), priority: 3, width: "84px" },
  { id: "state", label: t("jobs.result"), by: (row) => row["last-run-state"], text: (row) => row["last-run-state"] ?? (row["last-run-upid"] ? t("entry.running") : ""), as: "state", upid: (row) => row["last-run-upid"] },
  { id: "next", label: t("jobs.nextrun"), by: (row) => (row.disable ? undefined : row["next-run"]), as: "ago", priority: 2, width: "100px" },
];
export const comment = <T extends JobRow>(): ListColumn<T> => ({ id: "comment", label: t("comment"), by: (row) => row.comment, priority: 3 });

export function items(row: { "last-run-upid"?: string; upid?: string | null }, start: () => void, label = t("run")): Item[] {
  const upid = row["last-run-upid"] ?? row.upid;
  return [{ label, icon: "play", onclick: start }, ...(upid ? [{ label: t("jobs.log"), icon: "tasks" as const, href: to(["tasks", upid]) }] : [])];
}
