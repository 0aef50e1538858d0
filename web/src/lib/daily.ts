// Daily durations: days of the week and a span of the day, as traffic control and the matchers of notifications have them (server.md 9.3).
export const DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"] as const;
const NAMES = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

export interface Daily {
  /** From Monday on. */
  days: boolean[];
  /** `hh:mm`, as inputs of times have it. The end is not part of it. */
  start: string;
  end: string;
}

const SPAN = /^([^\d \t]*)[ \t]*(\d{1,2})(?::(\d{1,2}))?[ \t]*-[ \t]*(\d{1,2})(?::(\d{1,2}))?[ \t]*$/;
const every = (value: boolean) => DAYS.map(() => value);
const day = (text: string) => NAMES.findIndex((name) => name === text || name.slice(0, 3) === text);

function daysOf(text: string): boolean[] | undefined {
  if (text === "") return every(true);
  const days = every(false);
  for (const part of text.toLowerCase().split(",")) {
    const ends = part.split("..");
    const [first, last] = [day(ends[0] ?? ""), day(ends.at(-1) ?? "")];
    if (ends.length > 2 || first < 0 || last < 0) return undefined;
    // A range goes over the end of the week: fri..mon.
    for (let at = first; ; at = (at + 1) % 7) {
      days[at] = true;
      if (at === last) break;
    }
  }
  return days;
}

function timeOf(hour: string, minute = "0"): string | undefined {
  return Number(hour) > 23 || Number(minute) > 59 ? undefined : `${hour.padStart(2, "0")}:${minute.padStart(2, "0")}`;
}

/** Nothing for what is no daily duration, or one that ends before it starts. */
export function readDaily(text: string): Daily | undefined {
  const found = SPAN.exec(text.trim());
  if (!found) return undefined;
  const [, words = "", h = "", m, hh = "", mm] = found;
  const [days, start, end] = [daysOf(words), timeOf(h, m), timeOf(hh, mm)];
  return days && start && end && start <= end ? { days, start, end } : undefined;
}

/** All days, or none, go without saying. */
export function writeDaily({ days, start, end }: Daily): string {
  const parts: string[] = [];
  for (let at = 0; at < 7; at += 1) {
    if (!days[at]) continue;
    let last = at;
    while (days[last + 1]) last += 1;
    // Two days in a row read better by their names.
    if (last - at > 1) parts.push(`${DAYS[at]}..${DAYS[last]}`);
    else parts.push(...DAYS.slice(at, last + 1));
    at = last;
  }
  const said = days.every(Boolean) ? "" : parts.join(",");
  return `${said}${said === "" ? "" : " "}${start}-${end}`;
}
