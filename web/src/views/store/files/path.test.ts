import { expect, it } from "vitest";
import { bytesOf, encodeBytes, entryPath, parent, ROOT, steps } from "./path";

const encode = (text: string) => encodeBytes(new TextEncoder().encode(text));
it("walks from the root to a folder", () => {
  expect(steps(ROOT)).toEqual([]);
  expect(steps(encode("/a/ü<b>/c"))).toEqual([{ label: "a", path: encode("/a") }, { label: "ü<b>", path: encode("/a/ü<b>") }, { label: "c", path: encode("/a/ü<b>/c") }]);
  expect(steps(encode("a/b")).map((step) => step.label)).toEqual(["a", "b"]);
  expect(steps("no base64!")).toEqual([]);
});
it("goes up", () => {
  expect(parent(encode("a/b"))).toBe(encode("a"));
  expect(parent(encode("/a"))).toBe(ROOT);
});
it("keeps bytes that are no text", () => {
  const path = entryPath(encode("/docs"), new Uint8Array([0xff, 0x41]));
  expect([...bytesOf(path)].slice(-3)).toEqual([47, 0xff, 0x41]);
  expect(steps(path).at(-1)?.path).toBe(path);
});
