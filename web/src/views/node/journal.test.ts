import { expect, it, vi } from "vitest";
import { containing, extend, LINES, read } from "./journal";

it("takes the cursors off, and goes on from the last", () => {
  const first = extend(undefined, ["s=1;i=1", "a", "b", "s=1;i=2"]);
  expect(first).toEqual({ lines: ["a", "b"], end: "s=1;i=2" });
  expect(extend(first, ["s=1;i=2", "s=1;i=2"])).toBe(first);
  expect(extend(first, ["s=1;i=3", "c", "s=1;i=3"])).toEqual({ lines: ["a", "b", "c"], end: "s=1;i=3" });
});
it("keeps a bounded number of lines, the newest", () => {
  const many = extend({ lines: ["old"], end: "x" }, ["x", ...Array.from({ length: LINES }, (_, n) => String(n)), "y"]);
  expect(many.lines.length).toBe(LINES);
  expect(many.lines[0]).toBe("0");
});
it.each([["", 3], ["  ", 3], ["sshd", 2], ["SSHD failed", 1], ["cron failed", 0]])("finds lines with %j", (words, n) => expect(containing(["sshd: Failed login", "sshd: ok", "cron: ok"], words).length).toBe(n));
it("reads on only in the span that the known lines are of", async () => {
  const asked: string[] = [];
  vi.stubGlobal("fetch", async (url: string) => {
    asked.push(url.split("?")[1] ?? "");
    return Response.json({ data: ["a", "line", "b"] });
  });
  const signal = new AbortController().signal;
  const first = await read(undefined, { since: 5 }, signal);
  // An answer that was given up in between leaves the first one known.
  await read(first, { since: 7 }, signal);
  const again = await read(first, { since: 7 }, signal);
  await read(again, { since: 7 }, signal);
  expect(asked).toEqual(["since=5", "since=7", "since=7", "startcursor=b"]);
  expect(again.lines).toEqual(["line"]);
  vi.unstubAllGlobals();
});
