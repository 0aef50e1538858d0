// Addresses of files and of the views about a snapshot.
import { link } from "../../../lib/api/client";
import { to } from "../../../lib/route.svelte";
import { ofSnapshot, type Place } from "./actions";
import { groupKey, type Group, type Snapshot } from "./rows";

const name = (of: Pick<Snapshot, "backup-type" | "backup-id" | "backup-time">) => [of["backup-type"], of["backup-id"], of["backup-time"]];
/** `#/store/NAME/files/host/web/1764402000/root.pxar.didx?ns=..` */
export const browseAddress = (place: Place, of: Pick<Snapshot, "backup-type" | "backup-id" | "backup-time">, archive: string) => to(["store", place.store, "files", ...name(of), archive], { ns: place.ns });
export const timelineAddress = (place: Place, of: Pick<Group, "backup-type" | "backup-id">) => to(["store", place.store, "timeline", ...groupKey(of).split("/")], { ns: place.ns });
/** The file's content, put together from its chunks; `stored`: as it lies there. */
export const fileAddress = (place: Place, of: Snapshot, file: string, stored = false) => link(`/admin/datastore/{store}/${stored ? "download" : "download-decoded"}`, { ...ofSnapshot(place, of), "file-name": file });
