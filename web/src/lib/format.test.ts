import { describe, expect, it } from "vitest";
import { duration, percent, relative, size, snapshotName } from "./format";

describe("format", () => {
  it.each([[0, "0 B"], [1023, "1023 B"], [1024, "1.00 KiB"], [1_308_622_848, "1.22 GiB"], [109_951_162_777_600, "100 TiB"], [-2048, "-2.00 KiB"]])("size %d", (bytes, text) => expect(size(bytes)).toBe(text));
  it("has a sign for what is not known", () => expect([size(undefined), duration(null)]).toEqual(["–", "–"]));
  it.each([[5, "5 s"], [65, "1 min 05 s"], [7260, "2 h 01 min"], [90_000, "1 d 01 h"]])("duration %d", (s, text) => expect(duration(s)).toBe(text));
  it("tells how long ago", () => expect([relative(0, 7200), relative(100, 40)]).toEqual(["2 h ago", "in 1 min"]));
  it("keeps percent within bounds", () => expect([percent(5, 0), percent(9, 3), percent(1, 4)]).toEqual([0, 100, 25]));
  it("names a snapshot in UTC", () => expect(snapshotName({ "backup-type": "vm", "backup-id": "100", "backup-time": 0 })).toBe("vm/100/1970-01-01T00:00:00Z"));
});
