// What changes by itself: the clock, running tasks, datastores. One event stream feeds it; without one (an original server) it is asked for.
import { BASE, get, type Data } from "../api/client";
import { session } from "./session.svelte";

export type Task = Data<"/nodes/{node}/tasks", "get">[number];
export type StoreUsage = Data<"/status/datastore-usage", "get">[number];
export type Change = { what: string; store?: string };

const POLL_SECONDS = 10;
const STREAM_POLL_SECONDS = 120;
const REOPEN_SECONDS = 60;

class Live {
  now = $state(Math.floor(Date.now() / 1000));
  running = $state.raw<Task[]>([]);
  stores = $state.raw<StoreUsage[]>([]);
  /** Whether stores were loaded once. */
  ready = $state(false);
  streaming = $state(false);
  #source: EventSource | null = null;
  #poll: ReturnType<typeof setTimeout> | undefined;
  #again: ReturnType<typeof setTimeout> | undefined;
  #user: string | null = null;
  #greeted = false;
  /** Tasks as they were last seen. */
  #seen = "";
  #soon: ReturnType<typeof setTimeout> | undefined;
  #busy: Promise<void> | null = null;
  #listeners = new Set<(change: Change) => void>();

  constructor() {
    if (typeof window === "undefined") return;
    setInterval(() => (this.now = Math.floor(Date.now() / 1000)), 1000);
    for (const name of ["strongroom-back", "strongroom-rights"]) addEventListener(name, () => void this.refresh());
    // A browser has six connections to a server: a stream belongs to what is looked at, not to each tab that is open.
    document.addEventListener("visibilitychange", () => {
      if (session.user === null) return;
      if (document.hidden) this.stop();
      else {
        this.start();
        this.#tellAll();
      }
    });
  }
  start(): void {
    this.stop();
    if (this.#user !== session.user) {
      this.#user = session.user;
      [this.running, this.stores, this.ready] = [[], [], false];
    }
    void this.refresh();
    this.#open();
  }
  stop(): void {
    clearTimeout(this.#poll);
    clearTimeout(this.#again);
    clearTimeout(this.#soon);
    this.#soon = undefined;
    this.#greeted = false;
    this.#source?.close();
    this.#source = null;
    this.streaming = false;
  }
  /** Calls back on each change until the function returned is called; for `$effect`. */
  on(listener: (change: Change) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
  /** Asks anew; while an answer is on its way, once more after it. */
  async refresh(): Promise<void> {
    if (this.#busy) return this.#later();
    this.#busy = this.#ask().finally(() => (this.#busy = null));
    await this.#busy;
  }
  /** Gathers what is asked for within a second. */
  #later(): void {
    this.#soon ??= setTimeout(() => {
      this.#soon = undefined;
      void this.refresh();
    }, 1000);
  }
  async #ask(): Promise<void> {
    clearTimeout(this.#poll);
    const user = session.user;
    if (user === null) return;
    const tasks = (more: object) => get("/nodes/{node}/tasks", { node: "localhost", ...more });
    // Without a stream a task that began or ended is all that is seen. One may be over before it is looked for: the newest tells.
    const [running, stores, newest] = await Promise.allSettled([tasks({ running: true, limit: 100 }), get("/status/datastore-usage", {}), this.streaming ? [] : tasks({ limit: 1 })]);
    if (session.user !== user) return;
    if (running.status === "fulfilled") {
      this.running = running.value;
      const seen = [...running.value, ...(newest.status === "fulfilled" ? newest.value : [])].map((task) => task.upid).join();
      const changed = seen !== this.#seen;
      this.#seen = seen;
      // It may have changed anything.
      if (!this.streaming && this.ready && changed) this.#tellAll();
    }
    if (stores.status === "fulfilled") this.stores = stores.value;
    this.ready = true;
    clearTimeout(this.#poll);
    // Stopped meanwhile.
    if (this.#source === null && typeof EventSource !== "undefined") return;
    this.#poll = setTimeout(() => void this.refresh(), (this.streaming ? STREAM_POLL_SECONDS : POLL_SECONDS) * 1000);
  }
  #tellAll(): void {
    for (const what of ["tasks", "snapshots", "config", "jobs"]) this.#tell({ what });
  }
  #tell(change: Change): void {
    for (const listener of this.#listeners) listener(change);
  }
  #open(): void {
    if (typeof EventSource === "undefined") return;
    this.#source?.close();
    const source = new EventSource(`${BASE}/events`);
    this.#source = source;
    source.addEventListener("hello", () => {
      this.streaming = true;
      // What happened while the stream was away is not told.
      if (this.#greeted) this.#all();
      this.#greeted = true;
    });
    source.addEventListener("task", () => {
      this.#later();
      this.#tell({ what: "tasks" });
    });
    source.addEventListener("resync", () => this.#all());
    source.addEventListener("changed", (event: MessageEvent<string>) => {
      try {
        const change = JSON.parse(event.data) as Change;
        if (change.what === "datastore" || change.what === "config") {
          this.#later();
          void session.loadPermissions().catch(() => undefined);
        }
        this.#tell(change);
      } catch {
        this.#all();
      }
    });
    source.onerror = () => {
      // Whether the server is lost shows a request that fails, and that is soon told.
      const lost = this.streaming;
      this.streaming = false;
      if (lost) void this.refresh();
      // One that went away is tried again by the browser; after an answer that is no stream we look again, but seldom.
      if (source.readyState === EventSource.CLOSED) {
        source.close();
        void this.refresh();
        clearTimeout(this.#again);
        if (session.user !== null && this.#source === source) this.#again = setTimeout(() => this.#open(), REOPEN_SECONDS * 1000);
      }
    };
  }
  #all(): void {
    void this.refresh();
    this.#tellAll();
  }
}
export const live = new Live();
