// @vitest-environment node
// The types are made from the document by `npm run api`; that the document is the server's own is told by a test of the server.
import { readFileSync } from "node:fs";
import { expect, it } from "vitest";

it("has types of this document", async () => {
  const { default: openapiTS, astToString, COMMENT_HEADER } = await import("openapi-typescript");
  const made = COMMENT_HEADER + astToString(await openapiTS(new URL("../../../openapi.json", import.meta.url)));
  expect(readFileSync(new URL("./openapi.d.ts", import.meta.url), "utf8") === made, "stale: run `npm run api`").toBe(true);
}, 60_000);
