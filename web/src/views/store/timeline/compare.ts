// What differs between a folder of two snapshots. Content is not compared: size, time and kind tell.
import type { Entry } from "../files/catalog";

export type Change = "added" | "removed" | "changed" | "folder" | "same";
export interface Line { name: string; change: Change; old?: Entry; new?: Entry }

const isFolder = (entry: Entry | undefined) => entry?.type === "d" || entry?.type === "v";

/** Entries of both by name, folders first. A folder in both is `folder`: what is in it is not known until it is opened. */
export function compare(old: Entry[], young: Entry[]): Line[] {
  const before = new Map(old.map((entry) => [entry.filepath, entry]));
  const lines: Line[] = [];
  for (const entry of young) {
    const was = before.get(entry.filepath);
    before.delete(entry.filepath);
    const change: Change = !was ? "added" : isFolder(was) && isFolder(entry) ? "folder" : was.type === entry.type && was.size === entry.size && was.mtime === entry.mtime ? "same" : "changed";
    lines.push({ name: entry.text, change, ...(was ? { old: was } : {}), new: entry });
  }
  for (const gone of before.values()) lines.push({ name: gone.text, change: "removed", old: gone });
  const collator = new Intl.Collator(undefined, { numeric: true });
  const first = (line: Line) => (isFolder(line.new ?? line.old) ? 0 : 1);
  return lines.sort((a, b) => first(a) - first(b) || collator.compare(a.name, b.name));
}
/** Archives that both have, those of one kind first: `root.pxar.didx` and `root.mpxar.didx` hold the same tree. */
export function pairs(old: string[], young: string[]): { name: string; old: string; new: string }[] {
  const stem = (name: string) => name.replace(/\.m?pxar\.didx$/, "");
  const of = (list: string[]) => list.filter((name) => /\.m?pxar\.didx$/.test(name));
  return of(young).flatMap((name) => {
    const other = of(old).find((one) => stem(one) === stem(name));
    return other ? [{ name: stem(name), old: other, new: name }] : [];
  });
}
