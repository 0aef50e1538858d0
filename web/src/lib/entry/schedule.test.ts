import { expect, it } from "vitest";
import { doubt, SUGGESTIONS } from "./schedule";

it.each([...SUGGESTIONS, "", "Mon,wed..fri", "fri 12..13:5/20", "2015-10-21", "12,14,16:5", "*:3:5", "daily UTC", "22:00 UTC", "10-1 04:00"])("reads %s", (text) => expect(doubt(text)).toBe(""));
it.each(["every day", "Mon-Fri 10:00", "25h", "mon..", "12:00:00:00", "10:5.5", "2026-01-01T10:00"])("does not read %s", (text) => expect(doubt(text)).toBe("unreadable"));
it.each(["22", "mon 5"])("asks about %s", (text) => expect(doubt(text)).toBe("minutes"));
