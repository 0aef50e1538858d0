import { describe, expect, it } from "vitest";
import { noKeeps, numbers, places, reasons, type Fate } from "./prune";

const day = (n: number, hour = 12) => new Date(2026, 10, n, hour).getTime() / 1000;
const fate = (time: number, keep = true, isProtected = false): Fate => ({ time, keep, isProtected });

it("takes only positive numbers", () => expect(numbers({ ...noKeeps(), "keep-last": "3", "keep-daily": "0", "keep-weekly": "x", "keep-yearly": " 2 " })).toEqual({ "keep-last": 3, "keep-yearly": 2 }));

describe("reasons", () => {
  it("names the rule and its count, newest first", () => {
    const said = reasons([fate(day(1)), fate(day(2, 8), false), fate(day(2, 20)), fate(day(3))], { "keep-last": 1, "keep-daily": 2 });
    expect(said.map((one) => one.reason)).toEqual([{ keep: "keep-last", n: 1 }, { keep: "keep-daily", n: 1 }, "none", { keep: "keep-daily", n: 2 }]);
  });
  it("leaves the decision to the server", () => {
    expect(reasons([fate(day(1), true)], { "keep-last": 1 })[0]?.keep).toBe(true);
    expect(reasons([fate(day(2)), fate(day(1), true)], { "keep-last": 1 })[1]?.reason).toBe("other");
    expect(reasons([fate(day(1), true, true)], { "keep-last": 1 })[0]?.reason).toBe("protected");
    expect(reasons([fate(day(1))], {})[0]?.reason).toBe("nothing");
  });
});
it("lays times on a line", () => {
  expect(places([100], 100)).toEqual([50]);
  const [old, young] = places([0, 900], 1000);
  expect(old).toBeCloseTo(0);
  expect(young).toBeCloseTo(100);
  const [, middle] = places([0, 500, 1000], 1000);
  expect(middle).toBeGreaterThan(20);
  expect(middle).toBeLessThan(50);
});
