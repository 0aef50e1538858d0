import { cleanup, render } from "@testing-library/svelte";
import { afterEach, expect, it } from "vitest";
import ObjectStore from "./ObjectStore.svelte";

afterEach(cleanup);
it("shows what was asked of the object store", () => {
  const { container } = render(ObjectStore, { of: { get: 12_345, put: 2, post: 3, head: 4, delete: 5, uploaded: 1536, downloaded: 2048 } });
  expect([...container.querySelectorAll("dd")].map((one) => one.textContent)).toEqual(["1.50 KiB", "2.00 KiB", "12,345", "2", "3", "4", "5"]);
});
