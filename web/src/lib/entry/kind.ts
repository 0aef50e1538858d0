// One kind of entry that can be made, changed and removed: its routes and its form.
import type { Component } from "svelte";
import { raw, send, type PathOf } from "../api/client";
import type { FieldSpec, Row, Values } from "./spec";

export interface EntryKind {
  /** Told apart by it where a list holds several kinds. */
  id: string;
  /** What one is called, in titles: "remote". */
  label: string;
  fields: () => FieldSpec[];
  create?: PathOf<"post">;
  one: PathOf<"get">;
  /** Name of the parameter in `one` that names the entry; empty where `one` is the only one, or `path` names it. */
  key: string;
  /** Further parameters of the routes. */
  path?: Record<string, string>;
  /** Sent with a new entry. */
  fixed?: Record<string, unknown>;
  note?: string;
  /** Whether it may be removed at all. */
  lasting?: boolean;
  /** A form of its own for the fields, where a list of them does not do. */
  form?: Component<{ fields: FieldSpec[]; values: Values; editing: boolean }, object, "values">;
}

const named = (kind: EntryKind, id: string): Record<string, string> => ({ ...kind.path, ...(kind.key === "" ? {} : { [kind.key]: id }) });

/** An entry as the server has it, with the digest to send back. */
export async function fetchEntry(kind: EntryKind, id: string): Promise<{ row: Row; digest?: string }> {
  const response = await raw("get", kind.one, named(kind, id));
  const { data, digest } = (await response.json()) as { data: Row; digest?: string };
  return { row: data ?? {}, digest: digest ?? (typeof data?.["digest"] === "string" ? data["digest"] : undefined) };
}
export async function removeEntry(kind: EntryKind, id: string): Promise<void> {
  await send("delete", kind.one, named(kind, id));
}
export async function saveEntry(kind: EntryKind, id: string | undefined, params: Record<string, unknown>, digest?: string): Promise<void> {
  if (id === undefined) {
    if (kind.create) await send("post", kind.create, { ...kind.path, ...kind.fixed, ...params });
  } else if (Object.keys(params).length > 0) await send("put", kind.one, { ...named(kind, id), ...params, digest });
}
