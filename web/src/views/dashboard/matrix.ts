// How many tasks of each kind ended well or not.
import { outcome } from "../../lib/task";
import type { Task } from "../../lib/state/live.svelte";

export const COLUMNS = ["error", "warning", "ok"] as const;
/** A row of the matrix: types are put together by how they begin; `filter` is what the task list looks for. */
export const KINDS = [
  { id: "backup", begins: ["backup"], filter: "backup" },
  { id: "prune", begins: ["prune"], filter: "prune" },
  { id: "gc", begins: ["garbage_collection"], filter: "garbage" },
  { id: "sync", begins: ["sync"], filter: "sync" },
  { id: "verify", begins: ["verif"], filter: "verif" },
] as const;
export interface Row { id: (typeof KINDS)[number]["id"]; filter: string; error: number; warning: number; ok: number }

export function matrix(tasks: Task[]): Row[] {
  return KINDS.map(({ id, begins, filter }) => {
    const row: Row = { id, filter, error: 0, warning: 0, ok: 0 };
    for (const task of tasks) {
      if (!begins.some((one) => task.worker_type.startsWith(one))) continue;
      const is = outcome(task.status);
      if (is === "error" || is === "warning" || is === "ok") row[is] += 1;
    }
    return row;
  });
}
export function longest(tasks: Task[], n = 10): Task[] {
  const length = (task: Task) => (task.endtime ?? 0) - task.starttime;
  return tasks.filter((task) => task.endtime !== undefined).toSorted((a, b) => length(b) - length(a)).slice(0, n);
}
