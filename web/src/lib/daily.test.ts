import { describe, expect, it } from "vitest";
import { readDaily, writeDaily } from "./daily";

const days = (text: string) => [..."mtwTfsS"].map((one) => text.includes(one));

describe("daily durations", () => {
  it.each([
    ["8-17", "mtwTfsS", "08:00", "17:00", "08:00-17:00"],
    ["8:30 - 9", "mtwTfsS", "08:30", "09:00", "08:30-09:00"],
    ["mon..fri 8-17:30", "mtwTf", "08:00", "17:30", "mon..fri 08:00-17:30"],
    ["sat,Sunday0-23:59", "sS", "00:00", "23:59", "sat,sun 00:00-23:59"],
    ["fri..mon  6:05-6:06", "mfsS", "06:05", "06:06", "mon,fri..sun 06:05-06:06"],
    ["tuesday..Wed,sat 1-2", "tws", "01:00", "02:00", "tue,wed,sat 01:00-02:00"],
    ["mon,mon 1-2", "m", "01:00", "02:00", "mon 01:00-02:00"],
    ["mon..sun 1-2", "mtwTfsS", "01:00", "02:00", "01:00-02:00"],
    ["7-7", "mtwTfsS", "07:00", "07:00", "07:00-07:00"],
    ["\tmon..tue\t0:5 -\t23:59 ", "mt", "00:05", "23:59", "mon,tue 00:05-23:59"],
  ])("reads %j", (text, which, start, end, written) => {
    const read = readDaily(text);
    expect(read).toEqual({ days: days(which), start, end });
    expect(read && writeDaily(read)).toBe(written);
    // What is written is read as the same.
    expect(readDaily(written)).toEqual(read);
  });
  it.each(["", "mon..fri", "8", "17-8", "8-24:00", "8-9:60", "8-", "8-9-10", "8:1:2-9", "+8-9", "day 8-9", "mon..tue..wed 1-2", "mon, tue 1-2", "mon.. 1-2", "123-200", "8-9 UTC"])("does not read %j", (text) => expect(readDaily(text)).toBeUndefined());
  it("has a text for every choice of days that reads as that choice", () => {
    for (let choice = 1; choice < 128; choice += 1) {
      const chosen = Array.from({ length: 7 }, (_, i) => (choice & (1 << i)) !== 0);
      expect(readDaily(writeDaily({ days: chosen, start: "00:00", end: "01:00" }))?.days).toEqual(chosen);
    }
  });
});
