import { expect, test } from "vitest";
import { BINARY_STEPS, STEPS, moments } from "./axis";

const at = (...parts: [number, number, number, number?, number?, number?]) => new Date(...(parts as [number, number, number])).getTime() / 1000;

test("the day stands below the first time and wherever it changes", () => {
  const hours = [20, 22, 24, 26].map((hour) => at(2026, 10, 28) + hour * 3600);
  expect(moments(hours, 7200)).toEqual(["20:00\n11-28", "22:00", "00:00\n11-29", "02:00"]);
});
test("long steps are days and years", () => {
  expect(moments([at(2026, 11, 30), at(2026, 11, 31), at(2027, 0, 1)], 86_400)).toEqual(["12-30\n2026", "12-31", "01-01\n2027"]);
  expect(moments([at(2026, 0, 1), at(2027, 0, 1)], 365 * 86_400)).toEqual(["2026", "2027"]);
});
test("short steps have seconds", () => {
  expect(moments([at(2026, 0, 1)], 10)).toEqual(["00:00:00\n01-01"]);
});
test("steps are round and rise", () => {
  expect(BINARY_STEPS.slice(0, 3)).toEqual([1, 2, 4]);
  expect(STEPS[0]).toBe(0.01);
  expect(STEPS.every((step, i) => i === 0 || step > (STEPS[i - 1] ?? 0))).toBe(true);
});
