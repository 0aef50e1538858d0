import { cleanup, fireEvent, render, screen } from "@testing-library/svelte";
import { tick } from "svelte";
import { afterEach, expect, it, vi } from "vitest";
import { layout } from "../state/layout.svelte";
import Table from "./Table.svelte";

// jsdom has no layout.
vi.stubGlobal("ResizeObserver", class { observe() {} unobserve() {} disconnect() {} });

const rows = Array.from({ length: 10_000 }, (_, n) => ({ n, name: `<b>${n}</b>` }));
afterEach(cleanup);
const columns = [{ id: "n", label: "Number", by: (row: { n: number }) => row.n }, { id: "name", label: "Name", text: (row: { name: string }) => row.name }];
const props = { rows, columns, key: (row: { n: number }) => row.n, label: "all" };

it("draws only rows in sight, and names as text", () => {
  const { container } = render(Table, { props } as never);
  expect(container.querySelectorAll(".tr").length).toBeLessThan(60);
  expect(screen.getByRole("grid").getAttribute("aria-rowcount")).toBe("10001");
  expect(container.querySelector("b")).toBeNull();
  expect(screen.getByText("<b>0</b>")).toBeTruthy();
});
it("sorts, and can be reached when rows go", async () => {
  const { container, rerender } = render(Table, { props } as never);
  await fireEvent.click(screen.getByRole("button", { name: "Number" }));
  await fireEvent.click(screen.getByRole("button", { name: "Number" }));
  expect(container.querySelector(".tr .td")?.textContent?.trim()).toBe("9999");
  await rerender({ ...props, rows: rows.slice(0, 3) } as never);
  expect(container.querySelectorAll('.tr[tabindex="0"]').length).toBe(1);
});
it("keeps the chosen order in the browser, until the layout is reset", async () => {
  localStorage.clear();
  const kept = { ...props, remember: "numbers", sort: "n" };
  const top = (container: Element) => container.querySelector(".tr .td")?.textContent?.trim();
  const first = render(Table, { props: kept } as never);
  await fireEvent.click(screen.getByRole("button", { name: "Number" }));
  first.unmount();
  const second = render(Table, { props: kept } as never);
  expect(top(second.container)).toBe("9999");
  layout.reset();
  await tick();
  expect(top(second.container)).toBe("0");
  second.unmount();
  // A column that is gone is no order.
  layout.setSort("numbers", { by: "gone", down: true });
  expect(top(render(Table, { props: kept } as never).container)).toBe("0");
});
