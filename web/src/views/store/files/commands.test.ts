import { expect, it } from "vitest";
import { commands, diffCommand, nameOf } from "./commands";

const snapshot = (time: number) => ({ "backup-type": "host", "backup-id": "web", "backup-time": time });
const at = { user: "admin@pbs", host: "backup:8007", store: "main", ns: "" };
it("names archives as the client does", () => expect(["root.pxar.didx", "root.mpxar.didx", "root.ppxar.didx", "disk.img.fidx"].map(nameOf)).toEqual(["root.pxar", "root.pxar", "root.pxar", "disk.img"]));
it("makes commands that can be typed", () => {
  expect(commands(at, snapshot(1700000000), "root.mpxar.didx").shell).toBe("strongroom catalog shell host/web/2023-11-14T22:13:20Z root.pxar --repository admin@pbs@backup:8007:main --keyfile KEYFILE");
  expect(diffCommand({ ...at, ns: "a/b" }, snapshot(1700000000), snapshot(1700086400), "root.pxar.didx")).toBe("strongroom debug diff archive host/web/2023-11-14T22:13:20Z host/web/2023-11-15T22:13:20Z root.pxar --repository admin@pbs@backup:8007:main --ns a/b --keyfile KEYFILE");
});
