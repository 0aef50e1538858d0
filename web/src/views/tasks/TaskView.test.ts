import { cleanup, render, screen } from "@testing-library/svelte";
import { afterEach, expect, it, vi } from "vitest";
import TaskView from "./TaskView.svelte";

afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});
it("tells what a second stop does", async () => {
  const upid = "UPID:a:00000001:00000001:00000001:65000000:gc:main:a@pbs:";
  const stops: string[] = [];
  vi.stubGlobal("fetch", async (url: string, { method }: RequestInit) => {
    if (method === "DELETE") stops.push(url);
    return Response.json(url.includes("/log") ? { data: [], total: 0 } : { data: { upid, status: "running", type: "garbage_collection", id: "main", user: "a@pbs", node: "a", pid: 1, starttime: 1 } });
  });
  render(TaskView, { upid });
  for (const text of [/asked to end\. What/, /thread to itself, and its datastore stays busy/]) {
    (await screen.findByRole("button", { name: "Stop" })).click();
    await screen.findByText(text);
    (await screen.findAllByRole("button", { name: "Stop" })).at(-1)?.click();
    await vi.waitFor(() => expect(screen.queryByText(text)).toBeNull());
  }
  expect(stops.length).toBe(2);
});
