// What the server says that differs between two snapshots of an archive, page by page.
import { ApiError, get, isAbsent, type Data } from "../../../lib/api/client";
import { ofSnapshot, type Place } from "../content/actions";
import { ROOT } from "../files/path";

export type Difference = Data<"/admin/datastore/{store}/snapshot-diff", "get">;
export type Line = Difference["entries"][number];
export type Change = Line["change"];
type Snapshot = { "backup-type": "vm" | "ct" | "host"; "backup-id": string; "backup-time": number };
const PAGE = 1000;

export class Changes {
  lines = $state.raw<Line[]>([]);
  whole = $state.raw<Difference | null>(null);
  loading = $state(false);
  absent = $state(false);
  error = $state.raw<ApiError | null>(null);
  #abort: AbortController | null = null;
  constructor(private readonly place: Place, private readonly old: Snapshot, private readonly young: Snapshot, private readonly pair: { old: string; new: string }) {}

  /** The first page of a folder, or the next one. */
  async load(path: string, only: Change | "", more = false): Promise<void> {
    this.#abort?.abort();
    const abort = (this.#abort = new AbortController());
    this.loading = true;
    this.error = null;
    // Another folder's lines are not shown below the name of this one, nor counted as its first ones.
    if (!more) [this.lines, this.whole] = [[], null];
    const { place, old, young, pair } = this;
    const base = { "base-time": old["backup-time"], "base-type": old["backup-type"], "base-id": old["backup-id"], "base-archive-name": pair.old };
    try {
      const found = await get("/admin/datastore/{store}/snapshot-diff", { ...ofSnapshot(place, young), "archive-name": pair.new, ...base, ...(path === ROOT ? {} : { filepath: path }), ...(only === "" ? {} : { change: only }), collapse: true, start: more ? this.lines.length : 0, limit: PAGE }, abort.signal);
      if (abort.signal.aborted) return;
      this.lines = more ? [...this.lines, ...found.entries] : found.entries;
      this.whole = found;
    } catch (error) {
      if (abort.signal.aborted) return;
      this.absent = isAbsent(error);
      this.error = error instanceof ApiError ? error : new ApiError(-1, String(error));
    } finally {
      if (this.#abort === abort) this.loading = false;
    }
  }
  stop(): void {
    this.#abort?.abort();
  }
}
/** The path below a folder, for people; `/` in front, as all paths have it. */
export const below = (text: string, folder: string): string => (folder !== "/" && text.startsWith(`${folder}/`) ? text.slice(folder.length + 1) : text.replace(/^\//, ""));
