import { expect, it } from "vitest";
import { isPath, pathsFor } from "./paths";
import { accountState } from "./state";

it("suggests stores and the namespaces of the one being typed", () => {
  expect(pathsFor(["a", "b"], undefined, ["x"])).not.toContain("/datastore/a/x");
  expect(pathsFor(["a", "b"], "a", ["x/y"])).toEqual(expect.arrayContaining(["/", "/datastore/b", "/datastore/a/x/y"]));
});
it.each([["/", true], ["/datastore/a", true], ["/datastore/a/b.c/d-e", true], ["", false], ["datastore", false], ["/a/", false], ["/a b", false], ["//", false], ["/-a", false]])("path %s: %s", (path, good) => expect(isPath(path)).toBe(good));
it("says whether an account can log in", () => {
  expect([{}, { enable: false }, { expire: 5 }, { expire: 50 }, { "totp-locked": true }, { "tfa-locked-until": 50 }, { "tfa-locked-until": 5 }].map((row) => accountState(row, 10))).toEqual(["on", "off", "expired", "on", "locked", "locked", "on"]);
});
