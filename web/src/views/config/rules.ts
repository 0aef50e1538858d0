// The rules of a notification matcher: texts of three lists (server.md 7.2), each as a form where a form can say the same, and as it is where not.
import { readDaily, writeDaily, type Daily } from "../../lib/daily";

export const SEVERITIES = ["info", "notice", "warning", "error", "unknown"] as const;
export const LISTS = ["match-field", "match-severity", "match-calendar"] as const;
export type List = (typeof LISTS)[number];

export type Form =
  /** A field of the notification: one of some values, or an expression. */
  | { kind: "exact" | "regex"; field: string; value: string }
  | { kind: "severity"; of: string[] }
  | { kind: "calendar"; daily: Daily }
  | { kind: "text"; list: List; text: string };
export type Kind = Form["kind"];

const FIELD = /^(exact|regex):([A-Za-z0-9_][A-Za-z0-9._-]*)=(.+)$/;

export function formOf(list: List, text: string): Form {
  if (list === "match-field") {
    const found = FIELD.exec(text);
    if (found) return { kind: found[1] === "exact" ? "exact" : "regex", field: found[2] ?? "", value: found[3] ?? "" };
  } else if (list === "match-severity") {
    const of = text.split(",").map((one) => one.trim());
    if (of.every((one) => (SEVERITIES as readonly string[]).includes(one))) return { kind: "severity", of };
  } else {
    const daily = readDaily(text);
    if (daily) return { kind: "calendar", daily };
  }
  return { kind: "text", list, text };
}

export function textOf(form: Form): string {
  if (form.kind === "severity") return SEVERITIES.filter((one) => form.of.includes(one)).join(",");
  if (form.kind === "calendar") return writeDaily(form.daily);
  return form.kind === "text" ? form.text : `${form.kind}:${form.field}=${form.value}`;
}

export const listOf = (form: Form): List => (form.kind === "text" ? form.list : form.kind === "severity" ? "match-severity" : form.kind === "calendar" ? "match-calendar" : "match-field");

/** A new rule of a kind; a field and its value stay when only the way of comparing changes. */
export function begun(kind: Exclude<Kind, "text">, before?: Form): Form {
  if (kind === "severity") return { kind, of: ["error"] };
  if (kind === "calendar") return { kind, daily: { days: [true, true, true, true, true, false, false], start: "08:00", end: "18:00" } };
  const same = before?.kind === "exact" || before?.kind === "regex" ? before : { field: "", value: "" };
  return { kind, field: same.field, value: same.value };
}

/** A rule, and the text that it had; that stays as it was until the rule is changed. */
export interface Rule {
  id: number;
  form: Form;
  text: string;
}

export function rulesOf(lists: Record<List, string>): Rule[] {
  return LISTS.flatMap((list) => lists[list].split("\n").filter((text) => text !== "").map((text) => ({ form: formOf(list, text), text }))).map((rule, id) => ({ id, ...rule }));
}
export function listsOf(rules: Rule[]): Record<List, string> {
  const of = (list: List) => rules.filter((rule) => listOf(rule.form) === list && rule.text !== "").map((rule) => rule.text).join("\n");
  return { "match-field": of("match-field"), "match-severity": of("match-severity"), "match-calendar": of("match-calendar") };
}

export const MODES = ["all", "any", "not-all", "not-any"] as const;
export type Mode = (typeof MODES)[number];
export const modeOf = (mode: string, inverted: boolean): Mode => `${inverted ? "not-" : ""}${mode === "any" ? "any" : "all"}`;
export const partsOf = (mode: Mode): { mode: string; inverted: boolean } => ({ mode: mode.endsWith("any") ? "any" : "all", inverted: mode.startsWith("not-") });
