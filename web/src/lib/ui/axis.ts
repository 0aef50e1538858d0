// What stands beside and below a chart's lines.
import { t } from "../text";

const pad = (n: number) => String(n).padStart(2, "0");

/** Steps between lines for sizes: powers of two, so that the figures are round as they are printed. */
export const BINARY_STEPS = Array.from({ length: 63 }, (_, power) => 2 ** power);
/** The same for plain numbers: 1, 2, 5 and their tenths and tens; three digits behind the point at most, as more are not printed. */
export const STEPS = Array.from({ length: 18 }, (_, i) => i - 2).flatMap((power) => [1, 2, 5].map((one) => one * 10 ** power));

/** Times below the chart, in local time: hours and minutes, the day where it changes or the step is a day or more. `step` in seconds. */
export function moments(times: number[], step: number): string[] {
  let before = "";
  return times.map((at) => {
    const d = new Date(at * 1000);
    const year = String(d.getFullYear());
    const day = t("format.day", { month: pad(d.getMonth() + 1), day: pad(d.getDate()) });
    const clock = step < 60 ? `${pad(d.getHours())}:${pad(d.getMinutes())}:${pad(d.getSeconds())}` : `${pad(d.getHours())}:${pad(d.getMinutes())}`;
    const head = step >= 365 * 86_400 ? year : step >= 86_400 ? day : clock;
    const under = step >= 365 * 86_400 ? "" : step >= 86_400 ? year : day;
    const text = under !== before && under !== "" ? `${head}\n${under}` : head;
    before = under;
    return text;
  });
}
