import { afterEach, expect, it, vi } from "vitest";
import { Changes, below, type Difference, type Line } from "./changes.svelte";

afterEach(() => vi.unstubAllGlobals());
const snapshot = (time: number) => ({ "backup-type": "host" as const, "backup-id": "web", "backup-time": time });
const line = (text: string): Line => ({ change: "added", filepath: btoa(text), text, type: "f" });
const page = (...entries: Line[]): Difference => ({ added: 2, removed: 0, changed: 0, complete: true, total: 2, entries });
it("shows paths below a folder", () => expect([below("/a/b/c", "/a"), below("/a/b", "/"), below("/ab", "/a")]).toEqual(["b/c", "a/b", "ab"]));
it("loads pages one after the other, and a folder anew", async () => {
  const asked: string[] = [];
  const answers = [page(line("/a")), page(line("/b")), page(line("/d/x"))];
  vi.stubGlobal("fetch", (url: string) => {
    asked.push(decodeURIComponent(url.split("?")[1] ?? ""));
    return Promise.resolve(Response.json({ data: answers.shift() }));
  });
  const changes = new Changes({ store: "main", ns: "n" }, snapshot(1), snapshot(2), { old: "root.pxar.didx", new: "root.mpxar.didx" });
  await changes.load("/", "");
  await changes.load("/", "", true);
  expect([changes.lines.map((one) => one.text), changes.whole?.total]).toEqual([["/a", "/b"], 2]);
  await changes.load(btoa("/d"), "added");
  expect(changes.lines.map((one) => one.text)).toEqual(["/d/x"]);
  expect(asked).toEqual([0, 1, 0].map((start, i) => `ns=n&backup-type=host&backup-id=web&backup-time=2&archive-name=root.mpxar.didx&base-time=1&base-type=host&base-id=web&base-archive-name=root.pxar.didx${i === 2 ? `&filepath=${btoa("/d")}&change=added` : ""}&collapse=1&start=${start}&limit=1000`));
});
it("knows a server that does not compare", async () => {
  vi.stubGlobal("fetch", () => Promise.resolve(new Response("Path '/api2/json/admin/datastore/main/snapshot-diff' not found.", { status: 404 })));
  const changes = new Changes({ store: "main", ns: "" }, snapshot(1), snapshot(2), { old: "a", new: "a" });
  await changes.load("/", "");
  expect([changes.absent, changes.loading]).toEqual([true, false]);
});
it("shows nothing of another folder where the server refuses", async () => {
  const answers = [Response.json({ data: page(line("/a")) }), new Response("busy", { status: 400 })];
  vi.stubGlobal("fetch", () => Promise.resolve(answers.shift()));
  const changes = new Changes({ store: "main", ns: "" }, snapshot(1), snapshot(2), { old: "a", new: "a" });
  await changes.load("/", "");
  await changes.load(btoa("/d"), "");
  expect([changes.lines, changes.whole, changes.error?.message]).toEqual([[], null, "busy"]);
});
