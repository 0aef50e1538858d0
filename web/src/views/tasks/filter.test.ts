import { expect, test } from "vitest";
import type { Task } from "../../lib/state/live.svelte";
import { outcome, storeOf, caption } from "../../lib/task";
import { day, filtered, merge, moment, params } from "./filter";

test("ends of tasks", () => {
  expect([undefined, "OK", "WARNINGS: 3", "unknown", "connection lost", "OKAY"].map(outcome)).toEqual(["running", "ok", "warning", "unknown", "error", "error"]);
});
test("stores in ids", () => {
  expect(storeOf("backup", "main:host/a")).toBe("main");
  expect(storeOf("prune", "main:a/b:host/x")).toBe("main");
  expect(storeOf("syncjob", "far:their:main::job1")).toBe("main");
  expect(storeOf("logrotate", null)).toBeUndefined();
  expect(storeOf("realm-sync", "ldap")).toBeUndefined();
});
test("captions", () => {
  expect(caption("garbage_collection")).toBe("Garbage collection");
  expect(caption("something-new")).toBe("something-new");
});
test("moments are seconds or local days", () => {
  expect(moment("1700000000")).toBe(1_700_000_000);
  expect(moment("2026-11-29")).toBe(new Date(2026, 10, 29).getTime() / 1000);
  expect(moment("2026-11-29", true)).toBe(new Date(2026, 10, 29, 23, 59, 59).getTime() / 1000);
  for (const bad of ["", null, "tomorrow", "2026-13-45"]) expect(moment(bad)).toBeUndefined();
  expect(day(String(new Date(2026, 0, 5, 12).getTime() / 1000))).toBe("2026-01-05");
});
test("the address gives the parameters", () => {
  const q = (text: string) => params(new URLSearchParams(text));
  expect(q("typefilter=verif&statusfilter=error,warning,nonsense&store=main&running=1")).toEqual({ typefilter: "verif", statusfilter: ["error", "warning"], store: "main", running: true, since: undefined, until: undefined, userfilter: undefined, errors: undefined });
  expect(filtered(new URLSearchParams(""))).toBe(false);
  expect(filtered(new URLSearchParams("statusfilter=nonsense"))).toBe(false);
  expect(filtered(new URLSearchParams("userfilter=a"))).toBe(true);
});
test("newer rows take the place of older ones", () => {
  const task = (upid: string, status?: string) => ({ upid, status }) as Task;
  expect(merge([task("c"), task("b", "OK")], [task("b"), task("a", "OK")])).toEqual([task("c"), task("b", "OK"), task("a", "OK")]);
});
test("a minute of a day", () => {
  const noon = moment("2026-03-01T12:00");
  expect([noon, moment("2026-03-01T12:00", true)]).toEqual([(moment("2026-03-01") ?? 0) + 12 * 3600, (noon ?? 0) + 59]);
  expect(moment("2026-03-01T")).toBeUndefined();
});
