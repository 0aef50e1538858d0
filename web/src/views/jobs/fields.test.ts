import { expect, it } from "vitest";
import { syncKind } from "./fields";

it.each([["pull", ["associated-key"]], ["push", ["active-encryption-key", "associated-key"]]] as const)("a %s job shows its keys, so that they can be taken from it", (direction, names) => {
  expect(syncKind(direction, [], [], []).fields().filter(({ name }) => name.endsWith("-key")).map(({ name }) => name)).toEqual(names);
});
