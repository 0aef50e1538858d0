import { describe, expect, it } from "vitest";
import { begun, formOf, listOf, listsOf, MODES, modeOf, partsOf, rulesOf, textOf, type List } from "./rules";

describe("rules of matchers", () => {
  it.each<[List, string, object]>([
    ["match-field", "exact:type=prune", { kind: "exact", field: "type", value: "prune" }],
    ["match-field", "exact:type=gc, prune ,verify", { kind: "exact", field: "type", value: "gc, prune ,verify" }],
    ["match-field", "regex:job-id=^a=b,.*$", { kind: "regex", field: "job-id", value: "^a=b,.*$" }],
    ["match-severity", "info", { kind: "severity", of: ["info"] }],
    ["match-severity", "warning,error", { kind: "severity", of: ["warning", "error"] }],
    ["match-calendar", "mon..fri 08:00-18:00", { kind: "calendar", daily: { days: [true, true, true, true, true, false, false], start: "08:00", end: "18:00" } }],
  ])("%s %j is a form that says the same", (list, text, form) => {
    const read = formOf(list, text);
    expect(read).toEqual(form);
    expect(textOf(read)).toBe(text);
    expect(listOf(read)).toBe(list);
  });
  it.each<[List, string]>([
    // Without a prefix a rule of a field never holds; the file may have it all the same.
    ["match-field", "type=prune"], ["match-field", "exact:-=x"], ["match-field", "EXACT:type=x"], ["match-field", "nothing"], ["match-field", "exact:datastore="],
    ["match-severity", "critical"], ["match-severity", "info,"], ["match-severity", "Error"],
    ["match-calendar", "18-8"], ["match-calendar", "always"],
  ])("%s %j stays a text", (list, text) => {
    expect(formOf(list, text)).toEqual({ kind: "text", list, text });
    expect(textOf(formOf(list, text))).toBe(text);
    expect(listOf(formOf(list, text))).toBe(list);
  });
  it("leaves what was not changed to the letter", () => {
    const lists = { "match-field": "exact:type=prune\nregex:hostname=^a", "match-severity": "error, info\nbad", "match-calendar": "Mon..Fri 8-17:30\n9 - 10" };
    expect(listsOf(rulesOf(lists))).toEqual(lists);
    const rules = rulesOf(lists);
    expect(rules.map((rule) => rule.form.kind)).toEqual(["exact", "regex", "severity", "text", "calendar", "calendar"]);
    expect(listsOf(rules.filter((rule) => rule.id !== 1))["match-field"]).toBe("exact:type=prune");
    expect(rulesOf({ "match-field": "", "match-severity": "", "match-calendar": "" })).toEqual([]);
  });
  it("begins rules that hold something", () => {
    expect(textOf(begun("severity"))).toBe("error");
    expect(textOf(begun("calendar"))).toBe("mon..fri 08:00-18:00");
    expect(textOf(begun("regex", { kind: "exact", field: "type", value: "gc" }))).toBe("regex:type=gc");
    expect(textOf(begun("exact", { kind: "severity", of: ["info"] }))).toBe("exact:=");
  });
  it("has four modes for two options", () => {
    expect(MODES.map((mode) => partsOf(mode))).toEqual([{ mode: "all", inverted: false }, { mode: "any", inverted: false }, { mode: "all", inverted: true }, { mode: "any", inverted: true }]);
    for (const mode of MODES) expect(modeOf(partsOf(mode).mode, partsOf(mode).inverted)).toBe(mode);
  });
});
