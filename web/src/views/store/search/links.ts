// From something that was found to where it lies.
import { to } from "../../../lib/route.svelte";
import { ofSnapshot } from "../content/actions";
import { downloadOf as ofArchive } from "../files/catalog";
import { parent, ROOT } from "../files/path";
import type { Entry, Version } from "./merge";

export const nameOf = (entry: Entry): string => entry.text.split("/").at(-1) ?? entry.text;
/** The folder that it lies in. */
export const whereOf = (entry: Entry): string => entry.text.slice(0, -nameOf(entry).length - 1) || "/";
export const loads = (version: Version | undefined): boolean => ["f", "d", "h"].includes(version?.type ?? "");
/** Its folder in the snapshot of a time, or itself if it is one. */
export function folderOf(store: string, entry: Entry, version: Version | undefined, at: number): string {
  const path = version?.type === "d" ? entry.filepath : parent(entry.filepath);
  return to(["store", store, "files", entry["backup-type"], entry["backup-id"], at, entry["archive-name"]], { ns: entry.ns, path: path === ROOT ? "" : path });
}
export function downloadOf(store: string, entry: Entry, at: number): string {
  const snapshot = { "backup-type": entry["backup-type"], "backup-id": entry["backup-id"], "backup-time": at };
  return ofArchive(ofSnapshot({ store, ns: entry.ns }, snapshot), entry["archive-name"], entry.filepath);
}
export const savedAs = (entry: Entry, version: Version | undefined): string => (version?.type === "d" ? `${nameOf(entry)}.zip` : nameOf(entry));
