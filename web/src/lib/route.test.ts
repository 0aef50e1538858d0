import { expect, it } from "vitest";
import { parse, to } from "./route.svelte";

it.each([
  ["#/store/a%2Fb/content?ns=x/y", ["store", "a/b", "content"], "ns=x%2Fy"],
  ["#DataStore-main:content", ["store", "main", "content"], ""],
  ["#DataStore-main", ["store", "main", "summary"], ""],
  ["#pbsDashboard", ["dashboard"], ""],
  ["", [], ""],
  ["#/%E0%A4%A", ["%E0%A4%A"], ""],
])("parses %s", (hash, path, query) => {
  const place = parse(hash);
  expect([place.path, place.query.toString()]).toEqual([path, query]);
});
it("writes what it reads", () => {
  const hash = to(["store", "<b>/ü", "files"], { ns: "a&b", empty: "" });
  expect(parse(hash)).toMatchObject({ path: ["store", "<b>/ü", "files"] });
  expect(parse(hash).query.get("ns")).toBe("a&b");
});
