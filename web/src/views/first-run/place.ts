// Where a new datastore lies: a folder here, a folder on a disk that can be taken away, or an object store with a folder here as its cache.
import { write } from "../../lib/properties";

export const KINDS = ["local", "removable", "s3"] as const;
export type Kind = (typeof KINDS)[number];
export interface Given { path: string; device: string; endpoint: string; bucket: string }

export function placeOf(kind: Kind, { path, device, endpoint, bucket }: Given): { path: string; "backing-device"?: string; backend?: string } {
  // On the disk paths begin at its own root.
  if (kind === "removable") return { path: path.replace(/^\/+/, ""), "backing-device": device.trim() };
  if (kind === "s3") return { path, backend: write({ type: "s3", client: endpoint.trim(), bucket: bucket.trim() }) };
  return { path };
}
