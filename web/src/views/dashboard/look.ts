// Asks what the health findings need: one request a namespace, a few at a time, up to a bound.
import { ApiError, get, whole } from "../../lib/api/client";
import type { Task } from "../../lib/state/live.svelte";
import type { Looked, Snapshot, StoreState } from "./health";

const NAMESPACES = 100;
const AT_ONCE = 4;
export const TASKS = 10_000;
export interface Seen { stores: StoreState[]; looked: Looked[]; unseen: { store: string; ns: string; text: string }[]; tasks: Task[]; total: number }

async function namespaces(store: string, signal: AbortSignal): Promise<string[]> {
  try {
    return (await get("/admin/datastore/{store}/namespace", { store }, signal)).map((one) => one.ns);
  } catch (error) {
    if (error instanceof ApiError && error.status > 0) return [""];
    throw error;
  }
}

export async function look(days: number, signal: AbortSignal): Promise<Seen> {
  const since = Math.floor(Date.now() / 1000) - days * 86_400;
  const [stores, answer] = await Promise.all([get("/admin/datastore", {}, signal), whole("get", "/nodes/{node}/tasks", { node: "localhost", since, limit: TASKS }, signal)]);
  const seen: Seen = { stores: stores as StoreState[], looked: [], unseen: [], tasks: answer.data as Task[], total: answer.total ?? answer.data.length };
  const places: { store: string; ns: string }[] = [];
  for (const { store, maintenance, "mount-status": mounted } of seen.stores) {
    if ((maintenance && !maintenance.startsWith("read-only") && !maintenance.includes("type=read-only")) || mounted === "notmounted") continue;
    const all = await namespaces(store, signal);
    places.push(...all.slice(0, NAMESPACES).map((ns) => ({ store, ns })));
    if (all.length > NAMESPACES) seen.unseen.push({ store, ns: "", text: `${NAMESPACES} / ${all.length}` });
  }
  const work = async () => {
    for (let place = places.shift(); place; place = places.shift()) {
      try {
        const snapshots = (await get("/admin/datastore/{store}/snapshots", place.ns === "" ? { store: place.store } : place, signal)) as Snapshot[];
        seen.looked.push({ ...place, snapshots });
      } catch (error) {
        if (!(error instanceof ApiError)) throw error;
        // What one may not see is nobody's trouble here.
        if (error.status !== 403) seen.unseen.push({ ...place, text: error.message });
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return seen;
}
