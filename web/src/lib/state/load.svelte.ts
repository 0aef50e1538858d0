// Something loaded from the server: its data, whether it loads, what went wrong. The last data stay while it loads anew.
import { ApiError } from "../api/client";

export class Loaded<T> {
  data = $state.raw<T | undefined>(undefined);
  error = $state.raw<ApiError | null>(null);
  loading = $state(false);
  #abort: AbortController | null = null;
  constructor(private readonly from: (signal: AbortSignal) => Promise<T>) {}
  /** Loads (again); an earlier call that still runs is given up. */
  async load(): Promise<void> {
    this.#abort?.abort();
    const abort = (this.#abort = new AbortController());
    this.loading = true;
    try {
      const data = await this.from(abort.signal);
      if (abort.signal.aborted) return;
      this.data = data;
      this.error = null;
    } catch (error) {
      if (abort.signal.aborted) return;
      this.error = error instanceof ApiError ? error : new ApiError(-1, String(error));
    } finally {
      if (this.#abort === abort) this.loading = false;
    }
  }
}
