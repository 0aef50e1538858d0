// Several files and folders as one download: the paths are sent first, since a link is too short for many, then a link fetches them.
import { isAbsent, link, post } from "../../../lib/api/client";
import { ofSnapshot, type Place } from "../content/actions";

export interface Archive { place: Place; snapshot: { "backup-type": "vm" | "ct" | "host"; "backup-id": string; "backup-time": number }; name: string }

/** The address of the download; `null` where the server does not do that. */
export async function selectionAddress(archive: Archive, paths: string[], tar: boolean): Promise<string | null> {
  const { place, snapshot, name } = archive;
  try {
    const made = await post("/admin/datastore/{store}/selection", { ...ofSnapshot(place, snapshot), "archive-name": name, filepath: paths, tar });
    return link("/admin/datastore/{store}/selection-download", { store: place.store, ...(place.ns ? { ns: place.ns } : {}), selection: made.selection });
  } catch (error) {
    if (isAbsent(error)) return null;
    throw error;
  }
}
/** Has the browser save what is there. */
export function save(address: string, name: string): void {
  const anchor = document.createElement("a");
  anchor.href = address;
  anchor.download = name;
  anchor.click();
}
