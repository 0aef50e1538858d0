// Which dialog is open, and about what.
import type { Group, Snapshot } from "./rows";

export type Asked =
  | { kind: "note"; of: Group | Snapshot; name: string; text: string }
  | { kind: "owner" | "prune"; group: Group; name: string }
  | { kind: "move"; of: Group | string; name: string }
  | { kind: "forget-group"; group: Group; name: string; snapshots: Snapshot[] }
  | { kind: "forget-snapshot"; snapshot: Snapshot; name: string }
  | { kind: "verify-all" | "prune-all" | "add-ns" }
  | { kind: "remove-ns"; ns: string };
