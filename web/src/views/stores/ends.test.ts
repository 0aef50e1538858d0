import { expect, it } from "vitest";
import type { Task } from "../../lib/state/live.svelte";
import { ends, history } from "./ends";

const task = (worker_type: string, worker_id: string, status?: string) => ({ worker_type, worker_id, status }) as Task;

it("counts ends of tasks by datastore", () => {
  const found = ends([task("backup", "main:host/a", "OK"), task("backup", "main:host/b", "OK"), task("prune", "main", "WARNINGS: 1"), task("garbage_collection", "other", "broken"), task("verify", "main"), task("logrotate", "", "OK"), task("backup", "main:host/a", "unknown")]);
  expect(Object.fromEntries(found)).toEqual({ main: { error: 0, warning: 1, ok: 2 }, other: { error: 1, warning: 0, ok: 0 } });
});
it.each([
  [{}, null],
  [{ history: [0.1, null], "history-start": 1, "history-delta": 10 }, null],
  [{ history: [0.1, 0.2] }, null],
  [{ history: [0.1, null, 0.3], "history-start": 100, "history-delta": 10 }, { times: [100, 110, 120], values: [0.1, null, 0.3] }],
])("a line of %j", (usage, expected) => expect(history(usage)).toEqual(expected));
