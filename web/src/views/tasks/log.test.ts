import { expect, test } from "vitest";
import { clamp, extend, pieces, tone, WINDOW } from "./log";

const lines = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => ({ n: from + i, t: `line ${from + i}` }));
test("following keeps a bounded number of lines", () => {
  const all = extend(lines(1, WINDOW), lines(WINDOW - 2, WINDOW + 50));
  expect(all.length).toBe(WINDOW);
  expect(all[0]?.n).toBe(51);
  expect(all.at(-1)?.n).toBe(WINDOW + 50);
});
test("windows stay within the log", () => {
  expect(clamp(-5, 10)).toBe(0);
  expect(clamp(5000, 3000)).toBe(3000 - WINDOW);
  expect(clamp(500, 3000)).toBe(500);
});
test("matches are marked, whatever their case", () => {
  expect(pieces("an Error, another error", "error")).toEqual(["an ", "Error", ", another ", "error", ""]);
  expect(pieces("<b>", "")).toEqual(["<b>"]);
  expect(pieces("nothing", "x")).toEqual(["nothing"]);
});
test("tones", () => {
  expect(tone("TASK ERROR: broken")).toBe("bad");
  expect(tone("TASK WARNINGS: 1")).toBe("warn");
  expect(tone("warning: old")).toBe("warn");
  expect(tone("TASK OK")).toBeUndefined();
});
