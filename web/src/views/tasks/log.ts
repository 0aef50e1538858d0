// A window onto a task's log: a bounded number of lines, wherever one looks.
export interface LogLine { n: number; t: string }

/** Lines kept and drawn at a time. */
export const WINDOW = 1000;

/** The window that begins at `start` (from 0) within `total` lines. */
export function clamp(start: number, total: number): number {
  return Math.max(0, Math.min(start, total - WINDOW));
}
/** Lines read while following: the oldest leave when there are too many. */
export function extend(lines: LogLine[], more: LogLine[]): LogLine[] {
  const last = lines.at(-1)?.n ?? 0;
  const all = [...lines, ...more.filter((line) => line.n > last)];
  return all.length > WINDOW ? all.slice(all.length - WINDOW) : all;
}
/** A line in pieces, every second of which is a match. */
export function pieces(text: string, search: string): string[] {
  if (search === "") return [text];
  const low = text.toLowerCase();
  const sought = search.toLowerCase();
  // Lower case of some letters is longer: then there is nothing to mark.
  if (low.length !== text.length) return [text];
  const found: string[] = [];
  let from = 0;
  for (let at = low.indexOf(sought); at >= 0; at = low.indexOf(sought, from)) {
    found.push(text.slice(from, at), text.slice(at, at + sought.length));
    from = at + sought.length;
  }
  return [...found, text.slice(from)];
}
/** Lines of a log that speak of trouble. */
export function tone(text: string): "bad" | "warn" | undefined {
  if (/^TASK ERROR|^(ERROR|error)\b/.test(text)) return "bad";
  return /^TASK WARNINGS|^(WARN|warning)/i.test(text) ? "warn" : undefined;
}
