// The server's journal, read on from where it was left: the first and the last element of an answer are cursors, not lines.
import { get } from "../../lib/api/client";

/** Lines kept and drawn. */
export const LINES = 1000;
export interface Journal { lines: string[]; end: string | undefined; /** What was asked for. */ span?: Span }
export interface Span { since?: number; until?: number }

/** What follows what is known of this span, or all of a span, or the newest lines. */
export async function read(known: Journal | undefined, span: Span, signal: AbortSignal): Promise<Journal> {
  const on = known?.end !== undefined && known.span?.since === span.since && known.span?.until === span.until;
  const asked = on ? { startcursor: known.end } : span.since !== undefined || span.until !== undefined ? { since: span.since ?? 0, until: span.until } : { lastentries: LINES };
  return extend(on ? known : undefined, await get("/nodes/{node}/journal", { node: "localhost", ...asked }, signal), span);
}
/** An answer without any line repeats the cursor that it was asked with. */
export function extend(known: Journal | undefined, answer: string[], span?: Span): Journal {
  const fresh = answer.slice(1, -1);
  if (known && fresh.length === 0) return known;
  return { lines: [...(known?.lines ?? []), ...fresh].slice(-LINES), end: answer.at(-1), span };
}
/** Lines in which all words occur, in whatever case: a unit, a program, a kind of message. */
export function containing(lines: string[], words: string): string[] {
  const wanted = words.toLowerCase().split(/\s+/).filter((word) => word !== "");
  return wanted.length === 0 ? lines : lines.filter((line) => wanted.every((word) => line.toLowerCase().includes(word)));
}
