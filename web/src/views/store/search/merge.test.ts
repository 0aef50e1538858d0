import { expect, it } from "vitest";
import { count, groupOf, keyOf, lastSeen, merge, type Entry, type Version } from "./merge";

const version = (size: number, ...snapshots: number[]): Version => ({ type: "f", size, mtime: 1, snapshots });
const entry = (text: string, ...versions: Version[]): Entry => ({ ns: "", "backup-type": "host", "backup-id": "web", "archive-name": "root.pxar.didx", filepath: btoa(text), text, versions });
it("puts answers together that end in the middle of a group", () => {
  const first = merge(new Map(), [entry("/a", version(2, 30, 20)), entry("/b", version(1, 30))]);
  const all = merge(first, [entry("/a", version(2, 20, 10), version(1, 5)), entry("/c", version(1, 10))]);
  expect([...all.values()].map((one) => [one.text, one.versions.map((each) => [each.size, each.snapshots])])).toEqual([
    ["/a", [[2, [30, 20, 10]], [1, [5]]]],
    ["/b", [[1, [30]]]],
    ["/c", [[1, [10]]]],
  ]);
  expect(first.get(keyOf(entry("/a")))?.versions[0]?.snapshots).toEqual([30, 20]);
  const a = all.get(keyOf(entry("/a")));
  expect(a && [count(a), lastSeen(a)]).toEqual([4, 30]);
});
it("keeps the version that was last seen first", () => {
  const all = merge(merge(new Map(), [entry("/a", version(1, 10))]), [entry("/a", version(2, 20))]);
  expect([...all.values()][0]?.versions.map((one) => one.size)).toEqual([2, 1]);
});
it("reads groups", () => {
  expect([groupOf(" host/web "), groupOf("vm"), groupOf("web"), groupOf("")]).toEqual([{ "backup-type": "host", "backup-id": "web" }, { "backup-type": "vm" }, { "backup-id": "web" }, {}]);
});
