// Sum of what the browser loads, compressed; more than the limit fails the build.
import { readdirSync, readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

const LIMIT = 200_000;
const dir = process.argv[2] ?? "dist";
const sizes = readdirSync(dir, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile())
  .map((entry) => gzipSync(readFileSync(`${entry.parentPath}/${entry.name}`), { level: 9 }).length);
const sum = sizes.reduce((a, b) => a + b, 0);
console.log(`${sizes.length} files, ${sum} bytes compressed (at most ${LIMIT})`);
if (sum > LIMIT) process.exit(1);
