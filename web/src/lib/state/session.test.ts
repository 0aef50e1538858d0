import { expect, it } from "vitest";
import { allowed } from "./session.svelte";

const permissions = { "/": { "Sys.Audit": 1, "Datastore.Audit": 0 }, "/datastore/a": { "Datastore.Modify": true } };
it.each([
  ["/", "Datastore.Audit", true],
  ["/datastore/b", "Datastore.Audit", false],
  ["/datastore/b", "Sys.Audit", true],
  ["/datastore/a", "Sys.Audit", false],
  ["/datastore/a/ns", "Datastore.Modify", true],
  ["/datastore/ab", "Datastore.Modify", false],
])("on %s, %s: %s", (path, privilege, expected) => expect(allowed(permissions, path, [privilege])).toBe(expected));
