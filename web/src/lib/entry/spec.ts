// Entries of configuration files as forms: which parameters there are, how a row of the server fills the form, and what is sent back.
import { decoded, encoded } from "../base64";

export type Kind = "text" | "password" | "number" | "email" | "checkbox" | "textarea" | "select" | "list" | "schedule" | "time" | "times";

export interface FieldSpec {
  name: string;
  label: string;
  kind?: Kind;
  hint?: string;
  options?: { value: string; label: string }[];
  suggestions?: string[];
  required?: boolean;
  /** Asked when the entry is made, fixed afterwards. */
  fixed?: boolean;
  /** Never sent back by the server: empty means "as it is". */
  secret?: boolean;
  /** For check boxes: what the server takes when nothing is sent. */
  initial?: boolean | string;
  min?: number;
  max?: number;
  placeholder?: string;
  /** Shown below "Advanced". */
  advanced?: boolean;
  /** Emptying it sends the value that stands for nothing instead of `delete`. */
  empty?: string;
  /** Kept as base64 by the server, shown and edited as text. */
  base64?: boolean;
  /** A list whose lines count with the blanks at their ends. */
  exact?: boolean;
  /** Under another name in the server's row. */
  from?: string;
}
export type Values = Record<string, string | boolean>;
export type Row = Record<string, unknown>;

const pad = (n: number) => String(n).padStart(2, "0");
/** Seconds since 1970 as `datetime-local` wants them. */
export function localTime(epoch: number): string {
  const d = new Date(epoch * 1000);
  return `${d.getFullYear()}-${pad(d.getMonth() + 1)}-${pad(d.getDate())}T${pad(d.getHours())}:${pad(d.getMinutes())}`;
}

function shown(field: FieldSpec, value: unknown): string | boolean {
  if (field.kind === "checkbox") return value === undefined || value === null ? field.initial === true : value === true || value === 1 || value === "1";
  if (value === undefined || value === null) return typeof field.initial === "string" ? field.initial : "";
  if (field.kind === "list" || field.kind === "times") return Array.isArray(value) ? value.join("\n") : String(value).split(",").map((one) => one.trim()).join("\n");
  if (field.kind === "time") return Number(value) > 0 ? localTime(Number(value)) : "";
  if (typeof value === "object") return "";
  return field.base64 ? decoded(String(value)) : String(value);
}

/** What the form shows for a row; without a row: for a new entry. */
export function valuesOf(fields: FieldSpec[], row?: Row): Values {
  return Object.fromEntries(fields.map((field) => {
    if (row && field.secret) return [field.name, ""];
    const value = row?.[field.from ?? field.name];
    // The server leaves out what is at its default; a text's `initial` is only for new entries, unless it is a choice.
    if (row && value === undefined && field.kind !== "checkbox" && field.kind !== "select") return [field.name, ""];
    return [field.name, shown(field, value)];
  }));
}

function sent(field: FieldSpec, value: string | boolean): unknown {
  if (typeof value === "boolean") return value;
  if (field.exact) return value.split("\n").filter((one) => one.trim() !== "");
  const text = field.kind === "textarea" || field.kind === "password" ? value : value.trim();
  if (field.kind === "list" || field.kind === "times") return text.split("\n").map((one) => one.trim()).filter((one) => one !== "");
  if (field.kind === "time") return Math.floor(new Date(text).getTime() / 1000);
  return field.base64 ? encoded(text) : text;
}

/** What is sent: for a new entry all that is filled in, for a change what differs, and `delete` for what was emptied. */
export function paramsOf(fields: FieldSpec[], values: Values, row?: Row): Record<string, unknown> {
  const params: Record<string, unknown> = {};
  const gone: string[] = [];
  const before = row ? valuesOf(fields, row) : undefined;
  for (const field of fields) {
    const value = values[field.name] ?? "";
    if (before && (field.fixed || value === before[field.name])) continue;
    if (typeof value === "string" && value.trim() === "") {
      if (!before) continue;
      if (field.empty !== undefined) params[field.name] = field.empty;
      else if (!field.secret) gone.push(field.name);
      continue;
    }
    if (!before && typeof value === "boolean" && value === (field.initial === true)) continue;
    params[field.name] = sent(field, value);
  }
  if (gone.length > 0) params["delete"] = gone;
  return params;
}
