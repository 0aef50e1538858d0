// What the content table shows: groups, their snapshots, their files, as one flat list of rows. All here is pure.
import type { Data } from "../../../lib/api/client";

export type Snapshot = Data<"/admin/datastore/{store}/snapshots", "get">[number];
export type Group = Data<"/admin/datastore/{store}/groups", "get">[number];
export type File = Snapshot["files"][number];
export type Crypt = "none" | "sign-only" | "encrypt" | "mixed";
export type State = "all" | "failed" | "unverified" | "encrypted" | "protected";
export type Order = "name" | "time" | "size" | "count";
export type Verify = { state: "none" | "ok" | "failed"; ok: number; failed: number; none: number; oldest: number | null; upid?: string };

export interface GroupRow { kind: "group"; key: string; group: Group; snapshots: Snapshot[]; shown: number; open: boolean; crypt: Crypt; verify: Verify; isProtected: boolean; size: number | undefined; comment: string | undefined; ownComment: boolean }
export interface SnapshotRow { kind: "snapshot"; key: string; snapshot: Snapshot; open: boolean; crypt: Crypt; verify: Verify }
export interface FileRow { kind: "file"; key: string; snapshot: Snapshot; file: File }
export interface NamespaceRow { kind: "namespace"; key: string; ns: string; name: string; up: boolean }
export type Row = NamespaceRow | GroupRow | SnapshotRow | FileRow;

export const groupKey = (of: { "backup-type": string; "backup-id": string }) => `${of["backup-type"]}/${of["backup-id"]}`;
export const snapshotKey = (of: Snapshot) => `${groupKey(of)}/${of["backup-time"]}`;

/** When a task started, from its UPID. */
export function startOf(upid: string | undefined): number | null {
  const start = Number.parseInt(upid?.split(":")[5] ?? "", 16);
  return Number.isFinite(start) ? start : null;
}
export function cryptOf(snapshot: Snapshot): Crypt {
  const modes = new Set(snapshot.files.filter((file) => file.filename !== "index.json.blob").map((file) => file["crypt-mode"] ?? "none"));
  return modes.size > 1 ? "mixed" : ([...modes][0] ?? "none");
}
function joined(crypts: Crypt[]): Crypt {
  const kinds = new Set(crypts);
  return kinds.size > 1 ? "mixed" : (crypts[0] ?? "none");
}
export function verifyOf(snapshots: Snapshot[]): Verify {
  const sum: Verify = { state: "none", ok: 0, failed: 0, none: 0, oldest: null };
  for (const { verification } of snapshots) {
    if (!verification) {
      sum.none += 1;
      continue;
    }
    sum[verification.state] += 1;
    const start = startOf(verification.upid);
    if (start !== null && (sum.oldest === null || start < sum.oldest)) sum.oldest = start;
    if (snapshots.length === 1) sum.upid = verification.upid;
  }
  sum.state = sum.failed > 0 ? "failed" : sum.ok > 0 && sum.none === 0 ? "ok" : "none";
  return sum;
}
/** A check that is more than 30 days old says little. */
export const isOld = (verify: Verify, now: number) => verify.oldest !== null && now - verify.oldest > 30 * 86_400;

export function inState(snapshot: Snapshot, state: State): boolean {
  if (state === "failed") return snapshot.verification?.state === "failed";
  if (state === "unverified") return snapshot.verification === undefined;
  if (state === "encrypted") return snapshot.files.some((file) => file["crypt-mode"] === "encrypt");
  if (state === "protected") return snapshot.protected;
  return true;
}
/** Words that must all occur in what a snapshot or its group says. */
function matches(words: string[], ...texts: (string | undefined)[]): boolean {
  const all = texts.join("\n").toLowerCase();
  return words.every((word) => all.includes(word));
}
const utcOf = (epoch: number) => new Date(epoch * 1000).toISOString().replace(".000Z", "Z");
const collator = new Intl.Collator(undefined, { numeric: true });

export interface Wish { text: string; state: State; order: Order; open: ReadonlySet<string> }

/** Rows of groups that hold something that is wished for, newest snapshots first. A group that is named by the text shows all of its snapshots. */
export function rowsOf(groups: Group[], snapshots: Snapshot[], wish: Wish): Row[] {
  const words = wish.text.toLowerCase().split(/\s+/).filter((word) => word !== "");
  const byGroup = new Map<string, Snapshot[]>();
  for (const snapshot of snapshots) {
    const key = groupKey(snapshot);
    const list = byGroup.get(key);
    if (list) list.push(snapshot);
    else byGroup.set(key, [snapshot]);
  }
  const heads: GroupRow[] = [];
  const inside = new Map<string, Snapshot[]>();
  for (const group of groups) {
    const key = groupKey(group);
    const all = (byGroup.get(key) ?? []).toSorted((a, b) => b["backup-time"] - a["backup-time"]);
    const named = matches(words, key, group.owner, group.comment);
    const fit = all.filter((one) => inState(one, wish.state) && (named || matches(words, key, utcOf(one["backup-time"]), one.owner, one.comment, group.comment)));
    if (fit.length === 0 && !(all.length === 0 && named && wish.state === "all")) continue;
    const comment = group.comment ?? all[0]?.comment;
    heads.push({ kind: "group", key, group, snapshots: all, shown: fit.length, open: wish.open.has(key), crypt: joined(all.map(cryptOf)), verify: verifyOf(all), isProtected: all.some((one) => one.protected), size: all[0]?.size, comment, ownComment: group.comment !== undefined });
    inside.set(key, fit);
  }
  const byName = (a: GroupRow, b: GroupRow) => collator.compare(a.key, b.key);
  const figure = (row: GroupRow) => wish.order === "time" ? row.group["last-backup"] : wish.order === "size" ? (row.size ?? 0) : row.snapshots.length;
  heads.sort((a, b) => wish.order === "name" ? byName(a, b) : figure(b) - figure(a) || byName(a, b));
  return heads.flatMap((head) => [head, ...(head.open ? (inside.get(head.key) ?? []).flatMap((one) => snapshotRows(one, wish.open)) : [])]);
}
function snapshotRows(snapshot: Snapshot, open: ReadonlySet<string>): Row[] {
  const key = snapshotKey(snapshot);
  const row: SnapshotRow = { kind: "snapshot", key, snapshot, open: open.has(key), crypt: cryptOf(snapshot), verify: verifyOf([snapshot]) };
  if (!row.open) return [row];
  return [row, ...snapshot.files.map((file): FileRow => ({ kind: "file", key: `${key}/${file.filename}`, snapshot, file }))];
}
/** The namespaces directly below `parent`, and the way up. */
export function namespaceRows(all: { ns: string }[], parent: string): NamespaceRow[] {
  const rows: NamespaceRow[] = parent === "" ? [] : [{ kind: "namespace", key: "ns:..", ns: parent.split("/").slice(0, -1).join("/"), name: "..", up: true }];
  const prefix = parent === "" ? "" : `${parent}/`;
  const below = all.filter(({ ns }) => ns !== parent && ns.startsWith(prefix) && ns !== "" && !ns.slice(prefix.length).includes("/"));
  return [...rows, ...below.map(({ ns }): NamespaceRow => ({ kind: "namespace", key: `ns:${ns}`, ns, name: ns.slice(prefix.length), up: false })).toSorted((a, b) => collator.compare(a.name, b.name))];
}
export const isArchive = (name: string) => name.endsWith(".pxar.didx") || name.endsWith(".mpxar.didx");
export const isEncrypted = (file: File) => file["crypt-mode"] === "encrypt";
/** The first 8 bytes of a key's fingerprint, as the tools show them. */
export const shortKey = (fingerprint: string | null | undefined) => fingerprint?.split(":").slice(0, 8).join(":") ?? "";
