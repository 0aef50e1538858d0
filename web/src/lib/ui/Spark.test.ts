import { expect, it } from "vitest";
import { spark } from "./Spark.svelte";

it.each([
  [[], ""], [[1], ""], [[null, 1], ""], [[0, 1], "M0.0 10.0L20.0 0.0"], [[1, 1], "M0.0 5.0L20.0 5.0"], [[0, null, 1], "M0.0 10.0M20.0 0.0"], [[null, 0, 2], "M10.0 10.0L20.0 0.0"],
])("%j", (values, path) => expect(spark(values, 20, 10)).toBe(path));
