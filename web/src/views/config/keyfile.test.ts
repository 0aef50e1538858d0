import { expect, it } from "vitest";
import { given } from "./keyfile";

const file = (size: number, text: () => Promise<string>) => ({ name: "a.json", size, text }) as File;
it.each([["", undefined], [" \n", undefined], ["{}", "{}"]])("without a file %j counts", async (typed, expected) => expect(await given(null, typed)).toBe(expected));
it("waits for a file, before what was typed", async () => {
  expect(await given(file(2, () => new Promise((go) => setTimeout(() => go("{1}"), 20))), "{2}")).toBe("{1}");
});
it.each([
  ["empty", file(0, async () => "")],
  ["blank", file(2, async () => " \n")],
  ["unreadable", file(2, () => Promise.reject(new DOMException("gone", "NotReadableError")))],
  ["too big", file(65_537, async () => "{}")],
])("refuses a file that is %s instead of making a new key", async (_, chosen) => {
  await expect(given(chosen, "")).rejects.toThrow(/a\.json.*64 kB/);
});
