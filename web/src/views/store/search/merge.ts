// What a search found, put together from its answers: each goes on where the one before it ended, in the middle of a group or of an archive.
import type { Data } from "../../../lib/api/client";

export type Report = Data<"/admin/datastore/{store}/search", "get">;
export type Entry = Report["entries"][number];
export type Version = Entry["versions"][number];

export const keyOf = (entry: Entry): string => [entry.ns, entry["backup-type"], entry["backup-id"], entry["archive-name"], entry.filepath].join("|");
const same = (a: Version, b: Version): boolean => a.type === b.type && a.size === b.size && a.mtime === b.mtime;

/** Adds an answer's entries to those that are there; an entry or a snapshot that comes again counts once. */
export function merge(all: Map<string, Entry>, more: Entry[]): Map<string, Entry> {
  const merged = new Map(all);
  for (const entry of more) {
    const key = keyOf(entry);
    const known = merged.get(key);
    if (!known) {
      merged.set(key, entry);
      continue;
    }
    const versions = known.versions.map((version) => ({ ...version, snapshots: [...version.snapshots] }));
    for (const version of entry.versions) {
      const found = versions.find((one) => same(one, version));
      if (!found) versions.push(version);
      else found.snapshots = [...new Set([...found.snapshots, ...version.snapshots])].toSorted((a, b) => b - a);
    }
    merged.set(key, { ...known, versions: versions.toSorted((a, b) => newest(b) - newest(a)) });
  }
  return merged;
}
export const newest = (version: Version): number => Math.max(...version.snapshots);
export const lastSeen = (entry: Entry): number => Math.max(...entry.versions.map(newest));
export const count = (entry: Entry): number => entry.versions.reduce((sum, one) => sum + one.snapshots.length, 0);
/** `host/web` as the API wants it; an id alone stands for all types. */
export function groupOf(text: string): { "backup-type"?: "vm" | "ct" | "host"; "backup-id"?: string } {
  const given = text.trim();
  const found = /^(vm|ct|host)(?:\/(.*))?$/.exec(given);
  if (found) return { "backup-type": found[1] as "host", ...(found[2] ? { "backup-id": found[2] } : {}) };
  return given === "" ? {} : { "backup-id": given };
}
