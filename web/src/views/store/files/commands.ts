// What to type where the server cannot look: the client's commands for an archive, with the key.
import { snapshotName } from "../../../lib/format";

export interface At { user: string; host: string; store: string; ns: string }
interface Snapshot { "backup-type": string; "backup-id": string; "backup-time": number }

const to = (at: At) => `--repository ${at.user}@${at.host}:${at.store}${at.ns ? ` --ns ${at.ns}` : ""} --keyfile KEYFILE`;
/** `root.mpxar.didx` and `root.pxar.didx` are `root.pxar` to the client. */
export const nameOf = (archive: string) => archive.replace(/\.[mp]?pxar\.didx$/, ".pxar").replace(/\.(didx|fidx|blob)$/, "");

export function commands(at: At, snapshot: Snapshot, archive: string): { shell: string; mount: string; restore: string } {
  const [name, file] = [snapshotName(snapshot), nameOf(archive)];
  return {
    shell: `strongroom catalog shell ${name} ${file} ${to(at)}`,
    mount: `strongroom mount ${name} ${file} /mnt ${to(at)}`,
    restore: `strongroom restore ${name} ${file} ./restored ${to(at)}`,
  };
}
export const diffCommand = (at: At, old: Snapshot, young: Snapshot, archive: string): string => `strongroom debug diff archive ${snapshotName(old)} ${snapshotName(young)} ${nameOf(archive)} ${to(at)}`;
