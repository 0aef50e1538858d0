// Figures made from the server's own.
export interface Io { io_ticks?: number; read_ios?: number; write_ios?: number }
/** Milliseconds of waiting for each operation; nothing where there was none. */
export const delays = (points: Io[]): (number | null)[] => points.map(({ io_ticks, read_ios, write_ios }) => {
  const operations = (read_ios ?? 0) + (write_ios ?? 0);
  return io_ticks === undefined || io_ticks === null ? null : operations > 0 ? (1000 * io_ticks) / operations : 0;
});
/** Data as clients see it to what lies on the disk; 1 if unknown. */
export const deduplication = (gc: { "index-data-bytes": number; "disk-bytes": number } | undefined): number => gc && gc["disk-bytes"] > 0 && gc["index-data-bytes"] > 0 ? gc["index-data-bytes"] / gc["disk-bytes"] : 1;
