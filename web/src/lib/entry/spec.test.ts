import { describe, expect, it } from "vitest";
import { localTime, paramsOf, valuesOf, type FieldSpec } from "./spec";

const fields: FieldSpec[] = [
  { name: "id", label: "", fixed: true, required: true },
  { name: "schedule", label: "", kind: "schedule", initial: "daily" },
  { name: "comment", label: "" },
  { name: "network", label: "", kind: "list" },
  { name: "enable", label: "", kind: "checkbox", initial: true },
  { name: "password", label: "", kind: "password", secret: true },
  { name: "expire", label: "", kind: "time", empty: "0" },
];
const row = { id: "a", comment: "old", network: ["10.0.0.0/8", "::1"], expire: 1_800_000_000, password: "leaked?" };

describe("forms of entries", () => {
  it("fills a new form with what is usual, and an old one with what the server has", () => {
    expect(valuesOf(fields)).toEqual({ id: "", schedule: "daily", comment: "", network: "", enable: true, password: "", expire: "" });
    expect(valuesOf(fields, row)).toEqual({ id: "a", schedule: "", comment: "old", network: "10.0.0.0/8\n::1", enable: true, password: "", expire: localTime(1_800_000_000) });
  });
  it("sends what is filled in for a new entry", () => {
    expect(paramsOf(fields, { ...valuesOf(fields), id: "x", password: " p ", network: " a \n\n b" })).toEqual({ id: "x", schedule: "daily", network: ["a", "b"], password: " p " });
  });
  it("sends only what changed, and names what was emptied", () => {
    expect(paramsOf(fields, valuesOf(fields, row), row)).toEqual({});
    expect(paramsOf(fields, { ...valuesOf(fields, row), comment: "", network: "", enable: false, expire: "" }, row)).toEqual({ enable: false, expire: "0", delete: ["comment", "network"] });
  });
  it("takes a row's text with commas as a list, and never sends what cannot change", () => {
    expect(valuesOf(fields, { network: "a, b" })["network"]).toBe("a\nb");
    expect(paramsOf(fields, { ...valuesOf(fields, row), id: "b" }, row)).toEqual({});
  });
  it("keeps blanks where they count", () => {
    const exact: FieldSpec[] = [{ name: "match-field", label: "", kind: "list", exact: true }];
    expect(paramsOf(exact, { "match-field": " exact:a=b \n\n \nregex:c= d" })).toEqual({ "match-field": [" exact:a=b ", "regex:c= d"] });
    expect(paramsOf(exact, { "match-field": "regex:a= " }, { "match-field": ["regex:a="] })).toEqual({ "match-field": ["regex:a= "] });
  });
  it("shows and takes as text what the server keeps as base64", () => {
    const consent: FieldSpec[] = [{ name: "consent", label: "", kind: "textarea", base64: true }];
    const kept = { consent: "WsO8cmljaAo=" };
    expect(valuesOf(consent, kept)).toEqual({ consent: "Zürich\n" });
    expect(paramsOf(consent, valuesOf(consent, kept), kept)).toEqual({});
    expect(paramsOf(consent, { consent: "Bern" }, kept)).toEqual({ consent: "QmVybg==" });
    expect(paramsOf(consent, { consent: " " }, kept)).toEqual({ delete: ["consent"] });
  });
  it("reads back the minute that was shown", () => {
    const whole = Math.floor(1_800_000_000 / 60) * 60;
    expect(paramsOf(fields, { ...valuesOf(fields), expire: localTime(whole) })["expire"]).toBe(whole);
  });
});
