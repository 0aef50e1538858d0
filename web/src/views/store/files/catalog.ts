// What lies in a folder of an archive, and where it is downloaded. Servers before 3.3 know no archives by name: there an archive is the first part of a path.
import { get, lacks, link, type Data } from "../../../lib/api/client";
import type { ofSnapshot } from "../content/actions";
import { bytesOf, encodeBytes, ROOT } from "./path";

export type Entry = Data<"/admin/datastore/{store}/catalog", "get">[number];
type Of = ReturnType<typeof ofSnapshot>;
const SLASH = 47;
/** Whether the server was seen to be one of those. */
let older = false;

/** A path in an archive as one that begins with the archive. */
export function outer(archive: string, path: string): string {
  const below = path === ROOT ? new Uint8Array() : bytesOf(path);
  const above = `/${archive}${below.length > 0 && below[0] !== SLASH ? "/" : ""}`;
  return encodeBytes(Uint8Array.from([...Array.from(above, (one) => one.charCodeAt(0)), ...below]));
}
/** And back. */
export function inner(archive: string, path: string): string {
  const bytes = bytesOf(path);
  return encodeBytes(bytes.subarray((bytes[0] === SLASH ? 1 : 0) + archive.length));
}

export async function entriesOf(of: Of, archive: string, path: string, signal?: AbortSignal): Promise<Entry[]> {
  if (!older) {
    try {
      return await get("/admin/datastore/{store}/catalog", { ...of, "archive-name": archive, filepath: path }, signal);
    } catch (error) {
      if (!lacks(error, "archive-name")) throw error;
      older = true;
    }
  }
  const found = await get("/admin/datastore/{store}/catalog", { ...of, filepath: outer(archive, path) }, signal);
  return found.map((entry) => ({ ...entry, filepath: inner(archive, entry.filepath) }));
}
/** A file as it is; a folder as zip, or as tar.zst. */
export const downloadOf = (of: Of, archive: string, path: string, tar = false): string =>
  link("/admin/datastore/{store}/pxar-file-download", { ...of, ...(older ? { filepath: outer(archive, path) } : { "archive-name": archive, filepath: path }), ...(tar ? { tar: true } : {}) });
