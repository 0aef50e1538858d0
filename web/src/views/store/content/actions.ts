// What can be done with groups and snapshots.
import { del, get, post, put, send } from "../../../lib/api/client";
import { to } from "../../../lib/route.svelte";
import { toasts } from "../../../lib/state/toasts.svelte";
import { t } from "../../../lib/text";
import { ApiError } from "../../../lib/api/client";
import type { Group, Snapshot } from "./rows";

/** Where things are: the datastore and the namespace in it. */
export interface Place { store: string; ns: string }

const nsOf = (place: Place) => ({ store: place.store, ...(place.ns === "" ? {} : { ns: place.ns }) });
type GroupName = Pick<Group, "backup-type" | "backup-id">;
type SnapshotName = Pick<Snapshot, "backup-type" | "backup-id" | "backup-time">;
export const ofGroup = (place: Place, of: GroupName) => ({ ...nsOf(place), "backup-type": of["backup-type"], "backup-id": of["backup-id"] });
export const ofSnapshot = (place: Place, of: SnapshotName) => ({ ...ofGroup(place, of), "backup-time": of["backup-time"] });
export { nsOf };

/** Says that a task was started, with a way to it. */
export function started(what: string, upid: unknown): void {
  toasts.show(t("store.started", { what }), typeof upid === "string" ? { href: to(["tasks", upid]) } : {});
}
/** Does it and says so; what goes wrong is shown as well. */
export async function tried(work: () => Promise<unknown>): Promise<boolean> {
  try {
    await work();
    return true;
  } catch (error) {
    toasts.show(error instanceof ApiError ? error.message : String(error), { kind: "error" });
    return false;
  }
}

export async function noteOf(place: Place, of: Group | Snapshot): Promise<string> {
  const text = "backup-time" in of ? await get("/admin/datastore/{store}/notes", ofSnapshot(place, of)) : await get("/admin/datastore/{store}/group-notes", ofGroup(place, of));
  return typeof text === "string" ? text : "";
}
export const setNote = (place: Place, of: Group | Snapshot, notes: string): Promise<unknown> =>
  "backup-time" in of ? put("/admin/datastore/{store}/notes", { ...ofSnapshot(place, of), notes }) : put("/admin/datastore/{store}/group-notes", { ...ofGroup(place, of), notes });

export const verify = (place: Place, of: GroupName | SnapshotName) => post("/admin/datastore/{store}/verify", { ...("backup-time" in of ? ofSnapshot(place, of) : ofGroup(place, of)), "ignore-verified": false });
export const protect = (place: Place, of: Snapshot) => put("/admin/datastore/{store}/protected", { ...ofSnapshot(place, of), protected: !of.protected });
export const forgetGroup = (place: Place, of: Group) => send("delete", "/admin/datastore/{store}/groups", ofGroup(place, of));
export const forgetSnapshot = (place: Place, of: Snapshot) => del("/admin/datastore/{store}/snapshots", ofSnapshot(place, of));
export const changeOwner = (place: Place, of: Group, owner: string) => post("/admin/datastore/{store}/change-owner", { ...ofGroup(place, of), "new-owner": owner });
