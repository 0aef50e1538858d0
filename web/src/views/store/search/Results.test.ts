import { cleanup, render, screen } from "@testing-library/svelte";
import { afterEach, expect, it, vi } from "vitest";
import { Finder } from "./finder.svelte";
import { keyOf, type Entry } from "./merge";
import Results from "./Results.svelte";

// jsdom has no layout.
vi.stubGlobal("ResizeObserver", class { observe() {} unobserve() {} disconnect() {} });
afterEach(cleanup);

const entry = (text: string): Entry => ({ ns: "", "backup-type": "host", "backup-id": "web", "archive-name": "root.pxar.didx", filepath: btoa(text), text, versions: [{ type: "f", size: 7, mtime: 1700000000, snapshots: [1700086400, 1700000000] }] });
it("shows names as text, what was left out, and a way on", () => {
  const finder = new Finder();
  const hostile = entry("/a/<img src=x onerror=alert(1)>");
  finder.begun = true;
  finder.entries = new Map([[keyOf(hostile), hostile]]);
  finder.snapshots = 3;
  finder.encrypted = 2;
  finder.next = "on";
  render(Results, { store: "main", finder });
  expect(screen.getByText("<img src=x onerror=alert(1)>").tagName).toBe("BUTTON");
  expect(document.querySelector("img")).toBe(null);
  expect(screen.getByText(/2 encrypted archives were left out/)).toBeTruthy();
  expect(screen.getByRole("button", { name: "Search on" })).toBeTruthy();
  expect(screen.getByText("1 entry found")).toBeTruthy();
});
it("leads to the folder if all is in one snapshot", () => {
  const finder = new Finder();
  const found = entry("/etc/nginx/nginx.conf");
  finder.begun = true;
  finder.entries = new Map([[keyOf(found), found]]);
  render(Results, { store: "main", finder, one: true });
  const link = screen.getByText("nginx.conf");
  expect(link.getAttribute("href")).toBe(`#/store/main/files/host/web/1700086400/root.pxar.didx?path=${encodeURIComponent(btoa("/etc/nginx"))}`);
  expect(screen.getByLabelText("Download nginx.conf").getAttribute("download")).toBe("nginx.conf");
});
it("says so where the server has no search", () => {
  const finder = new Finder();
  finder.begun = finder.absent = true;
  render(Results, { store: "main", finder });
  expect(screen.getByText("This server cannot search snapshots.")).toBeTruthy();
});
