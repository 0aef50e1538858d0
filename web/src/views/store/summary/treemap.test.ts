import { expect, it } from "vitest";
import { topOf, treemap } from "./treemap";

it("fills the room, each by its size, without overlap", () => {
  const sizes = [6, 6, 4, 3, 2, 2, 1, 0];
  const rects = treemap(sizes, (n) => n, 600, 400);
  expect(rects).toHaveLength(7);
  for (const rect of rects) {
    expect(rect.w * rect.h).toBeCloseTo(rect.item * 10_000, 3);
    expect(rect.x).toBeGreaterThanOrEqual(-1e-6);
    expect(rect.x + rect.w).toBeLessThanOrEqual(600 + 1e-6);
    expect(rect.y + rect.h).toBeLessThanOrEqual(400 + 1e-6);
    expect(Math.max(rect.w / rect.h, rect.h / rect.w)).toBeLessThan(3.1);
  }
  for (const a of rects) for (const b of rects) if (a !== b) expect(Math.min(a.x + a.w, b.x + b.w) - Math.max(a.x, b.x) > 1e-6 && Math.min(a.y + a.h, b.y + b.h) - Math.max(a.y, b.y) > 1e-6).toBe(false);
});
it("draws nothing of nothing", () => {
  expect(treemap([], (n: number) => n, 10, 10)).toEqual([]);
  expect(treemap([0], (n) => n, 10, 10)).toEqual([]);
});
it("sums up the small ones", () => expect(topOf([1, 5, 2, 3], (n) => n, 3, (rest) => rest.reduce((a, b) => a + b))).toEqual([5, 3, 3]));
