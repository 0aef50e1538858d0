import { expect, it } from "vitest";
import { allowed, returned } from "./session.svelte";

const permissions = { "/": { "Sys.Audit": 1, "Datastore.Audit": 0 }, "/datastore/a": { "Datastore.Modify": true } };
it.each([
  ["/", "Datastore.Audit", true],
  ["/datastore/b", "Datastore.Audit", false],
  ["/datastore/b", "Sys.Audit", true],
  ["/datastore/a", "Sys.Audit", false],
  ["/datastore/a/ns", "Datastore.Modify", true],
  ["/datastore/ab", "Datastore.Modify", false],
])("on %s, %s: %s", (path, privilege, expected) => expect(allowed(permissions, path, [privilege])).toBe(expected));

it.each([
  ["", null],
  ["?code=a", null],
  ["?state=s&code=a%2Fb&session_state=x", { code: "a/b", state: "s" }],
  ["?state=s&error=access_denied", { error: "access_denied" }],
  ["?state=s&error=access_denied&error_description=Not+you", { error: "Not you" }],
])("what an OpenID provider sends back: %s", (search, expected) => expect(returned(search)).toEqual(expected));
