// How the tasks of each datastore ended, and how its space was used.
import type { StoreUsage, Task } from "../../lib/state/live.svelte";
import { outcome, storeOf } from "../../lib/task";

export interface Ends { error: number; warning: number; ok: number }

export function ends(tasks: Task[]): Map<string, Ends> {
  const found = new Map<string, Ends>();
  for (const task of tasks) {
    const [store, is] = [storeOf(task.worker_type, task.worker_id), outcome(task.status)];
    if (store === undefined || (is !== "error" && is !== "warning" && is !== "ok")) continue;
    const sum = found.get(store) ?? { error: 0, warning: 0, ok: 0 };
    sum[is] += 1;
    found.set(store, sum);
  }
  return found;
}
/** Parts of the space in use, with their times; null while there are too few for a line. */
export function history(usage: Pick<StoreUsage, "history" | "history-start" | "history-delta">): { times: number[]; values: (number | null)[] } | null {
  const { history: values, "history-start": start, "history-delta": step } = usage;
  if (!values || start === undefined || !step || values.filter((one) => one !== null).length < 2) return null;
  return { times: values.map((_, n) => start + n * step), values: values.map((one) => one ?? null) };
}
