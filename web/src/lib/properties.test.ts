import { expect, it } from "vitest";
import { read, write } from "./properties";

it("reads what is written", () => {
  const hostile = { type: "read-only", message: 'a "b", c\\d=<i>' };
  expect(read(write(hostile))).toEqual(hostile);
  expect(write({ type: "offline", message: "" })).toBe("type=offline");
});
it("knows the key of a lone value", () => {
  expect(read("read-only", "type")).toEqual({ type: "read-only" });
  expect(read("offline,message=moving", "type")).toEqual({ type: "offline", message: "moving" });
  expect(read(undefined)).toEqual({});
});
