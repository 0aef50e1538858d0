import { afterEach, expect, it, vi } from "vitest";
import { selectionAddress } from "./selection";

afterEach(() => vi.unstubAllGlobals());
const archive = { place: { store: "main", ns: "a/b" }, snapshot: { "backup-type": "host" as const, "backup-id": "web", "backup-time": 7 }, name: "root.pxar.didx" };
it("sends the paths and gives the way to the download", async () => {
  let sent = "";
  vi.stubGlobal("fetch", (url: string, init: RequestInit) => {
    sent = `${init.method} ${url} ${String(init.body)}`;
    return Promise.resolve(Response.json({ data: { selection: "1-2", expires: 9 } }));
  });
  expect(await selectionAddress(archive, ["L2E=", "L2I="], true)).toBe("/api2/json/admin/datastore/main/selection-download?ns=a%2Fb&selection=1-2");
  expect(sent).toBe("POST /api2/json/admin/datastore/main/selection ns=a%2Fb&backup-type=host&backup-id=web&backup-time=7&archive-name=root.pxar.didx&filepath=L2E%3D&filepath=L2I%3D&tar=1");
});
it("knows a server without it from one that refuses", async () => {
  const answer = (status: number, text: string) => vi.stubGlobal("fetch", () => Promise.resolve(new Response(text, { status })));
  answer(404, "Path '/api2/json/admin/datastore/main/selection' not found.");
  expect(await selectionAddress(archive, ["L2E="], false)).toBe(null);
  answer(400, "archive 'root.pxar.didx' is not in this snapshot");
  await expect(selectionAddress(archive, ["L2E="], false)).rejects.toThrow("is not in this snapshot");
});
