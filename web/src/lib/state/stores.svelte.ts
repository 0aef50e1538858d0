// What the configuration says of datastores: comment, maintenance, whether a disk is to be mounted. Asked for when something about it changes.
import { untrack } from "svelte";
import { get, type Data } from "../api/client";
import { read } from "../properties";
import { live } from "./live.svelte";

export type StoreConfig = Data<"/admin/datastore", "get">[number];

class Stores {
  list = $state.raw<StoreConfig[]>([]);
  #asked = false;
  #number = 0;
  /** For `$effect` of the frame: asks now and on each change, until the function returned is called. */
  watch(): () => void {
    // Whoever watches must not begin anew because of what he sees.
    untrack(() => void this.load());
    return live.on((change) => {
      if (change.what === "config" || change.what === "datastore" || change.what === "tasks") void this.load();
    });
  }
  of(store: string): StoreConfig | undefined {
    return this.list.find((one) => one.store === store);
  }
  /** One question at a time; what changes meanwhile is asked once more. */
  async load(): Promise<void> {
    if (this.#asked) return;
    this.#asked = true;
    await new Promise((go) => setTimeout(go, this.list.length === 0 ? 0 : 500));
    this.#asked = false;
    const number = ++this.#number;
    // Nothing depends on it but hints; the lists themselves tell of failures. An answer that was overtaken is an old one.
    await get("/admin/datastore", {}).then((list) => (number === this.#number ? (this.list = list) : list), () => undefined);
  }
}
export const stores = new Stores();
/** The kind of maintenance and the words of whoever began it. */
export function maintenanceOf(text: string | undefined): { type: string; message: string } | null {
  const { type, message = "" } = read(text, "type");
  return type ? { type, message } : null;
}
