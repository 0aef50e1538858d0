import { expect, it } from "vitest";
import { maintenanceOf } from "./stores.svelte";

it.each([
  [undefined, null], ["", null], ["offline", { type: "offline", message: "" }], ["type=read-only", { type: "read-only", message: "" }], ["read-only,message=disks", { type: "read-only", message: "disks" }],
  ['type=offline,message="a, \\"b\\""', { type: "offline", message: 'a, "b"' }], ['message="x",type=unmount', { type: "unmount", message: "x" }],
])("%j", (text, wanted) => expect(maintenanceOf(text)).toEqual(wanted));
