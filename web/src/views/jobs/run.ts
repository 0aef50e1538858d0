// Starts a job and says so, with a way to its log.
import { ApiError, raw, type PathOf } from "../../lib/api/client";
import { to } from "../../lib/route.svelte";
import { live } from "../../lib/state/live.svelte";
import { toasts } from "../../lib/state/toasts.svelte";
import { t } from "../../lib/text";

export async function run(path: PathOf<"post">, params: Record<string, string>, id: string): Promise<void> {
  try {
    const { data } = (await (await raw("post", path, params)).json()) as { data: string | null };
    toasts.show(t("jobs.started", { id }), { href: data ? to(["tasks", data]) : undefined });
    void live.refresh();
  } catch (error) {
    toasts.show(t("jobs.failed", { id, text: error instanceof ApiError ? error.message : String(error) }), { kind: "error" });
  }
}
