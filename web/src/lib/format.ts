// Sizes and times as people read them; sizes in binary units, as the tools print them.
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
  return `${bytes < 0 ? "-" : ""}${value.toFixed(digits)} ${UNITS[unit]}`;
}

const pad = (n: number) => String(n).padStart(2, "0");

/** Local time, `2026-11-29 07:31:00`. */
export function time(epoch: number | null | undefined): string {
  if (!epoch) return "–";
  const d = new Date(epoch * 1000);
  return `${d.getFullYear()}-${pad(d.getMonth() + 1)}-${pad(d.getDate())} ${pad(d.getHours())}:${pad(d.getMinutes())}:${pad(d.getSeconds())}`;
}
/** The same in UTC, as names of snapshots have it. */
export function utc(epoch: number): string {
  return new Date(epoch * 1000).toISOString().replace(/\.\d+Z$/, "Z");
}
export function duration(seconds: number | null | undefined): string {
  if (seconds === null || seconds === undefined || !Number.isFinite(seconds)) return "–";
  const s = Math.max(0, Math.round(seconds));
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min ${pad(s % 60)} s`;
  if (s < 86_400) return `${Math.floor(s / 3600)} h ${pad(Math.floor((s % 3600) / 60))} min`;
  return `${Math.floor(s / 86_400)} d ${pad(Math.floor((s % 86_400) / 3600))} h`;
}
/** `3 h ago`, `in 2 d`. */
export function relative(epoch: number, now: number): string {
  const away = now - epoch;
  const s = Math.abs(away);
  const text = s < 60 ? `${Math.round(s)} s` : s < 3600 ? `${Math.round(s / 60)} min` : s < 172_800 ? `${Math.round(s / 3600)} h` : `${Math.round(s / 86_400)} d`;
  return away >= 0 ? `${text} ago` : `in ${text}`;
}
export function percent(part: number, of: number): number {
  return of > 0 ? Math.min(100, Math.max(0, (100 * part) / of)) : 0;
}
/** `host/web/2026-11-29T07:31:00Z`. */
export function snapshotName(s: { "backup-type": string; "backup-id": string; "backup-time": number }): string {
  return `${s["backup-type"]}/${s["backup-id"]}/${utc(s["backup-time"])}`;
}
