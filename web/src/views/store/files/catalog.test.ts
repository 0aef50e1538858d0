import { expect, it } from "vitest";
import { inner, outer } from "./catalog";
import { ROOT } from "./path";

it.each([
  [ROOT, "/root.pxar.didx", ""],
  [btoa("/etc"), "/root.pxar.didx/etc", "/etc"],
  [btoa("etc/hosts"), "/root.pxar.didx/etc/hosts", "/etc/hosts"],
  [btoa("/\xff\xfe"), "/root.pxar.didx/\xff\xfe", "/\xff\xfe"],
])("a path in an archive is also one that begins with it: %s", (path, whole, back) => {
  expect(atob(outer("root.pxar.didx", path))).toBe(whole);
  expect(atob(inner("root.pxar.didx", btoa(whole)))).toBe(back);
  // The original writes them without the first slash.
  expect(atob(inner("root.pxar.didx", btoa(whole.slice(1))))).toBe(back);
});
