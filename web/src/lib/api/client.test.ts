import { afterEach, expect, it, vi } from "vitest";
import { ApiError, connect, encode, fieldsOf, fill, get, post } from "./client";

afterEach(() => vi.unstubAllGlobals());
const answer = (status: number, body: string) => vi.stubGlobal("fetch", vi.fn(async () => new Response(body, { status })));

it("fills and escapes paths", () => expect(fill("/a/{store}/b", { store: "x/../y", ns: "n" })).toEqual(["/a/x%2F..%2Fy/b", { ns: "n" }]));
it("encodes lists and booleans", () => expect(encode({ a: true, b: [1, 2], c: undefined, d: "x y" }).toString()).toBe("a=1&b=1&b=2&d=x+y"));
it("finds the fields of a refusal", () => {
  expect(fieldsOf("parameter verification failed - 'keep-last': value too small")).toEqual({ "keep-last": "value too small" });
  expect(fieldsOf("parameter verification failed:\n- 'name': too long\n- 'size': no: not that")).toEqual({ name: "too long", size: "no: not that" });
  expect(fieldsOf("no such datastore 'x'")).toEqual({});
});
it("gives data, and errors with the server's text", async () => {
  answer(200, '{"data":{"version":"4.2"}}');
  expect(await get("/version", {})).toEqual({ version: "4.2" });
  answer(400, "no such datastore 'x'\n");
  await expect(get("/admin/datastore/{store}/status", { store: "x" })).rejects.toThrow("no such datastore 'x'");
});
it("tells of a login that ended, but not of a wrong password", async () => {
  const unauthorized = vi.fn();
  connect({ csrf: () => "t", unauthorized, reached: () => {} });
  answer(401, "authentication failed");
  await expect(get("/version", {})).rejects.toBeInstanceOf(ApiError);
  expect(unauthorized).toHaveBeenCalledTimes(1);
  await expect(post("/access/ticket", { username: "a@pbs" })).rejects.toMatchObject({ status: 401 });
  expect(unauthorized).toHaveBeenCalledTimes(1);
});
it("tells of a server that is gone", async () => {
  const reached = vi.fn();
  connect({ csrf: () => "", unauthorized: () => {}, reached });
  vi.stubGlobal("fetch", vi.fn(async () => Promise.reject(new TypeError("failed to fetch"))));
  await expect(get("/version", {})).rejects.toMatchObject({ status: 0 });
  expect(reached).toHaveBeenCalledWith(false);
});
it.each([[503, true], [502, false], [504, false], [400, true]])("takes a status of %d as a server that is there: %s", async (status, there) => {
  const reached = vi.fn();
  connect({ csrf: () => "", unauthorized: () => {}, reached });
  answer(status, "busy");
  await expect(get("/version", {})).rejects.toMatchObject({ status });
  expect(reached).toHaveBeenCalledWith(there);
});
it("leaves out what an older server does not know, where it does without; never what would change the meaning", async () => {
  connect({ csrf: () => "", unauthorized: () => {}, reached: () => {} });
  const asked: string[] = [];
  vi.stubGlobal("fetch", vi.fn(async (url: string, { method, body }: { method: string; body?: URLSearchParams }) => {
    const sent = `${method} ${url} ${body ?? ""}`;
    asked.push(sent);
    const name = ["http-only", "sync-direction"].find((one) => sent.includes(one));
    return name ? new Response(`parameter verification failed - '${name}': schema does not allow additional properties.`, { status: 400 }) : new Response('{"data":[]}');
  }));
  for (const _ of [1, 2]) await get("/admin/sync", { "sync-direction": "all" });
  await post("/access/ticket", { username: "a@pbs", "http-only": true });
  // Without its direction a push would be a pull.
  await expect(post("/config/sync", { id: "x", "sync-direction": "push" } as never)).rejects.toMatchObject({ status: 400 });
  expect(asked.map((one) => one.trim())).toEqual(["GET /api2/json/admin/sync?sync-direction=all", "GET /api2/json/admin/sync", "GET /api2/json/admin/sync", "POST /api2/json/access/ticket username=a%40pbs&http-only=1", "POST /api2/json/access/ticket username=a%40pbs", "POST /api2/json/config/sync id=x&sync-direction=push"]);
});
