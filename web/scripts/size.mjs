// Sums of what the browser loads, compressed: the app with the largest of its languages, since nobody loads two, and the guide, which is read by itself.
// More than the limits fails the build.
import { readdirSync, readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

const LIMITS = { app: 200_000, guide: 100_000 };
const dir = process.argv[2] ?? "dist";
const sums = { app: [0, 0], guide: [0, 0] };
const languages = [];
for (const entry of readdirSync(dir, { recursive: true, withFileTypes: true }).filter((one) => one.isFile())) {
  const bytes = gzipSync(readFileSync(`${entry.parentPath}/${entry.name}`), { level: 9 }).length;
  if (/^(en|de)-[\w-]{8}\.js$/.test(entry.name)) {
    languages.push(bytes);
    continue;
  }
  const sum = sums[entry.parentPath === `${dir}/docs` ? "guide" : "app"];
  sum[0] += 1;
  sum[1] += bytes;
}
if (languages.length !== 2) throw new Error(`${languages.length} languages found in ${dir}/assets: each has to be a file of its own, ${"`en-*.js` and `de-*.js`"}`);
sums.app[0] += 1;
sums.app[1] += Math.max(...languages);
for (const [name, [files, bytes]] of Object.entries(sums)) {
  console.log(`${name}: ${files} files, ${bytes} bytes compressed (at most ${LIMITS[name]})`);
  if (bytes > LIMITS[name]) process.exitCode = 1;
}
