// What a task's row says: how it ended, what it was about. Types, ids and ends are those of the original.
import { t, type Key } from "./text";

export type Outcome = "running" | "ok" | "warning" | "error" | "unknown";

/** How a task ended, from the text of its end; a running one has none. */
export function outcome(status: string | null | undefined): Outcome {
  if (status === undefined || status === null || status === "") return "running";
  if (status === "OK") return "ok";
  if (status === "unknown") return "unknown";
  return status.startsWith("WARNINGS") ? "warning" : "error";
}

const CAPTIONS: Record<string, Key> = {
  backup: "tasktype.backup", reader: "tasktype.reader", benchmark: "tasktype.benchmark", garbage_collection: "tasktype.gc", prune: "tasktype.prune", prunejob: "tasktype.prunejob", verify: "tasktype.verify", verify_group: "tasktype.verifygroup", verify_snapshot: "tasktype.verifysnapshot", verificationjob: "tasktype.verifyjob", sync: "tasktype.sync", syncjob: "tasktype.syncjob", "realm-sync": "tasktype.realmsync", "create-datastore": "tasktype.createstore", "delete-datastore": "tasktype.deletestore", "mount-device": "tasktype.mount", "unmount-device": "tasktype.unmount", "s3-refresh": "tasktype.s3refresh", "move-group": "tasktype.movegroup", "move-namespace": "tasktype.movens", "delete-namespace": "tasktype.deletens", logrotate: "tasktype.logrotate", "acme-new-cert": "tasktype.acmenew", "acme-renew-cert": "tasktype.acmerenew", "acme-revoke-cert": "tasktype.acmerevoke", "acme-register": "tasktype.acmeregister", aptupdate: "tasktype.aptupdate",
};
export const KNOWN_TYPES = Object.keys(CAPTIONS);

/** The type as people say it; an unknown one as it is. */
export function caption(type: string): string {
  const key = CAPTIONS[type];
  return key ? t(key) : type;
}

const OF_STORE = new Set(["backup", "reader", "garbage_collection", "prune", "prunejob", "verify", "verify_group", "verify_snapshot", "verificationjob", "sync", "create-datastore", "mount-device", "unmount-device", "s3-refresh", "move-group", "move-namespace"]);
/** The datastore that a task is about, where its id begins with it or names it. */
export function storeOf(type: string, id: string | null | undefined): string | undefined {
  if (!id) return undefined;
  const parts = id.split(":");
  if (type === "syncjob") return parts[2] || undefined;
  return OF_STORE.has(type) ? parts[0] : undefined;
}
