// Sizes and times as people read them; sizes in binary units, as the tools print them.
import { fixed, t } from "./text";

const UNITS = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];

export function size(bytes: number | null | undefined): string {
  if (bytes === null || bytes === undefined || !Number.isFinite(bytes)) return "–";
  let value = Math.abs(bytes);
  let unit = 0;
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024;
    unit += 1;
  }
  const digits = unit === 0 || value >= 100 ? 0 : value >= 10 ? 1 : 2;
  return `${bytes < 0 ? "-" : ""}${fixed(value, digits)} ${UNITS[unit]}`;
}

const pad = (n: number) => String(n).padStart(2, "0");

/** Local time, `2026-11-29 07:31:00` in English. */
export function time(epoch: number | null | undefined): string {
  if (!epoch) return "–";
  const d = new Date(epoch * 1000);
  return t("format.time", { year: d.getFullYear(), month: pad(d.getMonth() + 1), day: pad(d.getDate()), clock: `${pad(d.getHours())}:${pad(d.getMinutes())}:${pad(d.getSeconds())}` });
}
/** The same in UTC, as names of snapshots have it. */
export function utc(epoch: number): string {
  return new Date(epoch * 1000).toISOString().replace(/\.\d+Z$/, "Z");
}
export function duration(seconds: number | null | undefined): string {
  if (seconds === null || seconds === undefined || !Number.isFinite(seconds)) return "–";
  const s = Math.max(0, Math.round(seconds));
  const of = (unit: "s" | "min" | "h" | "d", n: number | string) => t(`format.${unit}`, { n });
  if (s < 60) return of("s", s);
  if (s < 3600) return `${of("min", Math.floor(s / 60))} ${of("s", pad(s % 60))}`;
  if (s < 86_400) return `${of("h", Math.floor(s / 3600))} ${of("min", pad(Math.floor((s % 3600) / 60)))}`;
  return `${of("d", Math.floor(s / 86_400))} ${of("h", pad(Math.floor((s % 86_400) / 3600)))}`;
}
/** `3 h ago`, `in 2 d`. */
export function relative(epoch: number, now: number): string {
  const away = now - epoch;
  const s = Math.abs(away);
  const [unit, n] = s < 60 ? (["s", s] as const) : s < 3600 ? (["min", s / 60] as const) : s < 172_800 ? (["h", s / 3600] as const) : (["d", s / 86_400] as const);
  return t(away >= 0 ? "format.ago" : "format.in", { text: t(`format.${unit}`, { n: Math.round(n) }) });
}
export function percent(part: number, of: number): number {
  return of > 0 ? Math.min(100, Math.max(0, (100 * part) / of)) : 0;
}
/** `host/web/2026-11-29T07:31:00Z`. */
export function snapshotName(s: { "backup-type": string; "backup-id": string; "backup-time": number }): string {
  return `${s["backup-type"]}/${s["backup-id"]}/${utc(s["backup-time"])}`;
}
