// A search that goes on, answer by answer, until it is through, has found enough, or is stopped. Leaving the page stops it, also at the server.
import { ApiError, get, isAbsent, type Params } from "../../../lib/api/client";
import { t } from "../../../lib/text";
import { merge, type Entry } from "./merge";

/** So many entries, then somebody has to want more. */
const ENOUGH = 2000;

export class Finder {
  entries = $state.raw<Map<string, Entry>>(new Map());
  running = $state(false);
  /** Something was asked for. */
  begun = $state(false);
  snapshots = $state(0);
  encrypted = $state(0);
  failed = $state(0);
  next = $state.raw<string | undefined>(undefined);
  absent = $state(false);
  error = $state.raw<ApiError | null>(null);
  #abort: AbortController | null = null;
  #asked: Params<"/admin/datastore/{store}/search", "get"> | null = null;

  start(asked: Params<"/admin/datastore/{store}/search", "get">): Promise<void> {
    this.stop();
    this.#asked = asked;
    this.entries = new Map();
    this.snapshots = this.encrypted = this.failed = 0;
    this.next = undefined;
    this.begun = true;
    return this.more();
  }
  async more(): Promise<void> {
    const asked = this.#asked;
    if (!asked) return;
    this.stop();
    const abort = (this.#abort = new AbortController());
    const enough = this.entries.size + ENOUGH;
    this.running = true;
    this.error = null;
    try {
      do {
        const report = await get("/admin/datastore/{store}/search", { ...asked, ...(this.next ? { from: this.next } : {}) }, abort.signal);
        if (abort.signal.aborted) return;
        this.entries = merge(this.entries, report.entries);
        this.snapshots += report.snapshots;
        this.encrypted += report.encrypted;
        this.failed += report.failed;
        if (report.next !== undefined && report.next === this.next) throw new ApiError(-1, t("search.stuck"));
        this.next = report.next;
      } while (this.next && this.entries.size < enough);
    } catch (error) {
      if (abort.signal.aborted) return;
      this.absent = isAbsent(error);
      this.error = error instanceof ApiError ? error : new ApiError(-1, String(error));
    } finally {
      if (this.#abort === abort) this.running = false;
    }
  }
  /** Nothing is asked for any more, and nothing found. */
  clear(): void {
    this.stop();
    this.#asked = null;
    this.entries = new Map();
    this.next = undefined;
    this.error = null;
    this.begun = false;
  }
  /** What was found stays. */
  stop(): void {
    this.#abort?.abort();
    this.#abort = null;
    this.running = false;
  }
}
