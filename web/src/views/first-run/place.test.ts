import { expect, it } from "vitest";
import { placeOf } from "./place";

const given = { path: "/srv/a", device: " 1234-ABCD ", endpoint: "here", bucket: "backups" };
it.each([
  ["local", { path: "/srv/a" }],
  ["removable", { path: "srv/a", "backing-device": "1234-ABCD" }],
  ["s3", { path: "/srv/a", backend: "type=s3,client=here,bucket=backups" }],
] as const)("%s", (kind, expected) => expect(placeOf(kind, given)).toEqual(expected));
