import { expect, it } from "vitest";
import type { Entry } from "../files/catalog";
import { compare, pairs } from "./compare";

const entry = (text: string, more: Partial<Entry> = {}): Entry => ({ text, filepath: btoa(`/${encodeURIComponent(text)}`), leaf: true, type: "f", size: 1, mtime: 1, ...more });
it("tells what came, went, changed and stayed", () => {
  const old = [entry("same"), entry("grown"), entry("gone"), entry("dir", { type: "d", leaf: false }), entry("turned", { type: "d", leaf: false })];
  const young = [entry("same"), entry("grown", { size: 2 }), entry("new"), entry("dir", { type: "d", leaf: false }), entry("turned")];
  expect(compare(old, young).map((line) => [line.name, line.change])).toEqual([["dir", "folder"], ["gone", "removed"], ["grown", "changed"], ["new", "added"], ["same", "same"], ["turned", "changed"]]);
});
it("sees a changed time, and names of bytes apart that look alike", () => {
  expect(compare([entry("a")], [entry("a", { mtime: 2 })])[0]?.change).toBe("changed");
  expect(compare([entry("�", { filepath: btoa("/\xff") })], [entry("�", { filepath: btoa("/\xfe") })]).map((line) => line.change).toSorted()).toEqual(["added", "removed"]);
});
it("pairs archives of both kinds", () => expect(pairs(["root.pxar.didx", "x.blob"], ["root.mpxar.didx", "root.ppxar.didx", "home.pxar.didx"])).toEqual([{ name: "root", old: "root.pxar.didx", new: "root.mpxar.didx" }]));
