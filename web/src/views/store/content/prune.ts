// Keep rules, what a trial run said, and where its snapshots lie on a line.
import type { Key } from "../../../lib/text";

export const KEEPS = ["keep-last", "keep-hourly", "keep-daily", "keep-weekly", "keep-monthly", "keep-yearly"] as const;
export type Keep = (typeof KEEPS)[number];
export type Keeps = Record<Keep, string>;
export const noKeeps = (): Keeps => ({ "keep-last": "", "keep-hourly": "", "keep-daily": "", "keep-weekly": "", "keep-monthly": "", "keep-yearly": "" });

/** The numbers that are set, as parameters. */
export function numbers(keeps: Keeps): Partial<Record<Keep, number>> {
  return Object.fromEntries(KEEPS.flatMap((keep) => (/^[1-9]\d*$/.test(String(keeps[keep]).trim()) ? [[keep, Number(keeps[keep])]] : [])));
}

export interface Fate { time: number; keep: boolean; isProtected: boolean }
export type Reason = { keep: Keep; n: number } | "protected" | "nothing" | "none" | "other";

const pad = (n: number) => String(n).padStart(2, "0");
/** ISO week with its year, as the server counts. */
function week(d: Date): string {
  const day = new Date(Date.UTC(d.getFullYear(), d.getMonth(), d.getDate()));
  day.setUTCDate(day.getUTCDate() + 4 - (day.getUTCDay() || 7));
  const first = Date.UTC(day.getUTCFullYear(), 0, 1);
  return `${day.getUTCFullYear()}/${pad(Math.ceil(((day.getTime() - first) / 86_400_000 + 1) / 7))}`;
}
const PERIODS: Record<Keep, (d: Date, time: number) => string> = {
  "keep-last": (_, time) => String(time),
  "keep-hourly": (d) => `${d.getFullYear()}/${d.getMonth()}/${d.getDate()}/${d.getHours()}`,
  "keep-daily": (d) => `${d.getFullYear()}/${d.getMonth()}/${d.getDate()}`,
  "keep-weekly": (d) => week(d),
  "keep-monthly": (d) => `${d.getFullYear()}/${d.getMonth()}`,
  "keep-yearly": (d) => String(d.getFullYear()),
};
/** Why the server keeps or removes each, newest first. The server decides (`keep`); this only finds the rule, and says `other` where it finds none
    (the server's zone may differ from the browser's). */
export function reasons(fates: Fate[], given: Partial<Record<Keep, number>>): (Fate & { reason: Reason })[] {
  const sorted = fates.toSorted((a, b) => b.time - a.time);
  const found = new Map<number, Reason>();
  const set = KEEPS.filter((keep) => given[keep] !== undefined);
  for (const keep of set) {
    const name = (fate: Fate) => PERIODS[keep](new Date(fate.time * 1000), fate.time);
    // Periods that an earlier rule covered do not count again.
    const covered = new Set(sorted.filter((fate) => found.has(fate.time)).map(name));
    const taken = new Set<string>();
    for (const fate of sorted) {
      if (found.has(fate.time) || fate.isProtected || covered.has(name(fate)) || taken.has(name(fate))) continue;
      if (taken.size >= (given[keep] ?? 0)) break;
      taken.add(name(fate));
      found.set(fate.time, { keep, n: taken.size });
    }
  }
  return sorted.map((fate) => {
    const reason: Reason = fate.isProtected ? "protected" : set.length === 0 ? "nothing" : !fate.keep ? "none" : (found.get(fate.time) ?? "other");
    return { ...fate, reason };
  });
}
export const reasonKey = (reason: Exclude<Reason, object>): Key => `store.reason.${reason}`;

/** Where times lie on a line of 0 to 100, oldest left; the newest at the end, a single one in the middle. Wide gaps are drawn by their root, so
    that yesterday's snapshots stay apart beside those of last year. */
export function places(times: number[], now: number): number[] {
  const age = (time: number) => Math.sqrt(Math.max(0, now - time));
  const ages = times.map(age);
  const [least, most] = [Math.min(...ages), Math.max(...ages)];
  return ages.map((one) => (most > least ? 100 - (100 * (one - least)) / (most - least) : 50));
}
