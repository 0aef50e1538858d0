import { afterEach, expect, it } from "vitest";
import { relative, size, time } from "./format";
import { fixed, language, number, preferred, t, use } from "./text";
import { catalog as de } from "./text/de";
import { catalog as en } from "./text/en";

afterEach(() => use("en", en));
const names = (text: string) => [...text.matchAll(/\{(\w+)\}/g)].map(([, name]) => name).toSorted();

// That all keys are there is said by the types.
it("has the same places for values in every language, and nothing left in English", () => {
  for (const key of Object.keys(en) as (keyof typeof en)[]) {
    expect(names(de[key]), key).toEqual(names(en[key]));
    expect(de[key].trim() === "", key).toBe(en[key].trim() === "");
    // A sentence that is the same was forgotten.
    const words = en[key].replace(/\{\w+\}/g, "").match(/[a-z]{2,}/gi) ?? [];
    if (words.length > 2) expect(de[key], key).not.toBe(en[key]);
  }
});
it.each([
  ["PBSLangCookie=de", "", ["en-US"], "de"],
  ["a=b; PBSLangCookie=en; c=d", "de", ["de"], "en"],
  ["PBSLangCookie=xx", "de", ["en"], "de"],
  ["XPBSLangCookie=de", "", ["fr", "en-GB", "de"], "en"],
  ["", "pt_BR", ["fr-FR", "de-AT"], "de"],
  ["", "", ["fr"], "en"],
  ["", "", [], "en"],
] as const)("cookie %j, server %j, browser %j: %s", (cookie, server, browser, expected) => expect(preferred(cookie, server, browser)).toBe(expected));
it("writes times and numbers as the language does", () => {
  const at = new Date(2026, 10, 9, 7, 5, 3).getTime() / 1000;
  expect([time(at), size(1536), number(12_345), fixed(1.5, 2), relative(0, 7200)]).toEqual(["2026-11-09 07:05:03", "1.50 KiB", "12,345", "1.50", "2 h ago"]);
  use("de", de);
  expect([time(at), size(1536), number(12_345), fixed(1.5, 2), relative(0, 7200), t("cancel")]).toEqual(["09.11.2026 07:05:03", "1,50 KiB", "12.345", "1,50", "vor 2 h", "Abbrechen"]);
  expect([document.documentElement.lang, language()]).toEqual(["de", "de"]);
});
