import { expect, it } from "vitest";
import { reaching } from "./reaching";

it("takes what stands at, below and above a path, not its neighbours", () => {
  const entry = (path: string, propagate = true) => ({ path, propagate });
  const all = [entry("/"), entry("/datastore", false), entry("/datastore/main"), entry("/datastore/main/a"), entry("/datastore/main2"), entry("/remote")];
  expect(reaching(all, "/datastore/main").map((one) => one.path)).toEqual(["/", "/datastore/main", "/datastore/main/a"]);
});
