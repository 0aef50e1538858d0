// The filters of the task list: they live in the address, and become parameters of the API.
import type { Task } from "../../lib/state/live.svelte";

export const RESULTS = ["ok", "warning", "error", "unknown"] as const;
type Result = (typeof RESULTS)[number];

export interface TaskParams { since?: number; until?: number; typefilter?: string; userfilter?: string; store?: string; running?: boolean; errors?: boolean; statusfilter?: Result[] }

/** Seconds since 1970, or a local day or minute: its first second, or for an end its last. */
export function moment(text: string | null, end = false): number | undefined {
  if (!text) return undefined;
  if (/^\d{1,12}$/.test(text)) return Number(text);
  const known = /^(\d{4}-\d{2}-\d{2})(?:T(\d{2}:\d{2}))?$/.exec(text);
  if (!known) return undefined;
  const at = new Date(`${known[1]}T${known[2] ?? (end ? "23:59" : "00:00")}:${end ? "59" : "00"}`).getTime();
  return Number.isNaN(at) ? undefined : Math.floor(at / 1000);
}

/** What a date field shows for either form. */
export function day(text: string | null): string {
  if (!text || !/^\d{1,12}$/.test(text)) return text ?? "";
  const at = new Date(Number(text) * 1000);
  return `${at.getFullYear()}-${String(at.getMonth() + 1).padStart(2, "0")}-${String(at.getDate()).padStart(2, "0")}`;
}

export function params(query: URLSearchParams): TaskParams {
  const given = (name: string) => query.get(name) || undefined;
  const wanted = (query.get("statusfilter") ?? "").split(",").filter((one): one is Result => (RESULTS as readonly string[]).includes(one));
  return {
    since: moment(query.get("since")), until: moment(query.get("until"), true), typefilter: given("typefilter"), userfilter: given("userfilter"), store: given("store"),
    running: query.get("running") === "1" ? true : undefined, errors: query.get("errors") === "1" ? true : undefined,
    statusfilter: wanted.length > 0 ? wanted : undefined,
  };
}
export const filtered = (query: URLSearchParams): boolean => Object.values(params(query)).some((value) => value !== undefined);

/** Newly loaded rows before those that stand already; a row that came again is the newer one. */
export function merge(fresh: Task[], old: Task[]): Task[] {
  const known = new Set(fresh.map((task) => task.upid));
  return [...fresh, ...old.filter((task) => !known.has(task.upid))];
}
