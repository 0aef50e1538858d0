import { afterEach, expect, it, vi } from "vitest";
import { Finder } from "./finder.svelte";
import type { Report } from "./merge";

afterEach(() => vi.unstubAllGlobals());
const report = (text: string, next?: string): Report => ({ encrypted: 1, failed: 0, snapshots: 1, ...(next ? { next } : {}), entries: [{ ns: "", "backup-type": "host", "backup-id": "a", "archive-name": "root.pxar.didx", filepath: btoa(text), text, versions: [{ type: "f", snapshots: [1] }] }] });
const answers = (...list: (Report | [number, string])[]) => {
  const asked: string[] = [];
  vi.stubGlobal("fetch", (url: string) => {
    asked.push(url);
    const one = list.shift();
    return Promise.resolve(Array.isArray(one) ? new Response(one[1], { status: one[0] }) : Response.json({ data: one }));
  });
  return asked;
};
it("goes on until nothing is next", async () => {
  const asked = answers(report("/a", "there|x"), report("/b"));
  const finder = new Finder();
  await finder.start({ store: "main", pattern: "a b" });
  expect(asked).toEqual(["/api2/json/admin/datastore/main/search?pattern=a+b", "/api2/json/admin/datastore/main/search?pattern=a+b&from=there%7Cx"]);
  expect([[...finder.entries.values()].map((one) => one.text), finder.snapshots, finder.encrypted, finder.running, finder.next]).toEqual([["/a", "/b"], 2, 2, false, undefined]);
});
it("keeps what it has when it is stopped or refused, and knows a server that has no search", async () => {
  answers(report("/a", "on"), [400, "too many searches"]);
  const finder = new Finder();
  await finder.start({ store: "main", pattern: "a" });
  expect([finder.entries.size, finder.error?.message, finder.absent, finder.next]).toEqual([1, "too many searches", false, "on"]);
  answers([404, "Path '/api2/json/admin/datastore/main/search' not found."]);
  await finder.start({ store: "main", pattern: "a" });
  expect([finder.entries.size, finder.absent]).toEqual([0, true]);
  const waiting = finder.start({ store: "main", pattern: "a" });
  finder.stop();
  await waiting;
  expect([finder.running, finder.entries.size]).toEqual([false, 0]);
});
it("does not go on with a server that does not, and forgets what was found", async () => {
  const asked = answers(report("/a", "on"), report("/a", "on"), report("/a", "on"));
  const finder = new Finder();
  await finder.start({ store: "main", pattern: "a" });
  expect([asked.length, finder.running, finder.error?.message.includes("go on")]).toEqual([2, false, true]);
  finder.clear();
  expect([finder.entries.size, finder.begun, finder.error]).toEqual([0, false, null]);
});
