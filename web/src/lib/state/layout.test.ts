import { beforeEach, expect, it } from "vitest";
import { layout } from "./layout.svelte";

beforeEach(() => localStorage.clear());

it("keeps orders and columns, and forgets them all at a reset", () => {
  localStorage.setItem("strongroom-name", "anna");
  layout.setColumns("2");
  layout.days = "7";
  layout.setSort("tasks", { by: "start", down: true });
  layout.setSort("users", { by: "-odd", down: false });
  expect([layout.columns, layout.days, layout.sort("tasks"), layout.sort("nothing")]).toEqual(["2", "7", { by: "start", down: true }, null]);
  layout.reset();
  expect([layout.columns, layout.days, layout.sort("tasks"), layout.sort("users")]).toEqual(["auto", "30", null, null]);
  // Nothing else is lost.
  expect(Object.keys(localStorage)).toEqual(["strongroom-name"]);
});
