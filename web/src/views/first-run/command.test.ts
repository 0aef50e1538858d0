import { expect, test } from "vitest";
import { command, keeps } from "./command";
test("the command names all that the client needs", () => {
  expect(command({ token: "b@pbs!t", secret: "x'y", host: "h", port: "8008", store: "main", fingerprint: "aa:bb" }).split("\n")).toEqual(["export PBS_REPOSITORY='b@pbs!t@h:8008:main'", "export PBS_PASSWORD='x'\\''y'", "export PBS_FINGERPRINT='aa:bb'", "strongroom backup root.pxar:/"]);
  expect(command({ token: "b@pbs!t", secret: "x", host: "h", port: "8007", store: "main" })).toContain("'b@pbs!t@h:main'");
});
test("only what is given is kept", () => {
  expect(keeps({ last: "3", daily: "", weekly: "0" })).toEqual({ "keep-last": 3 });
});
