/** Entries at a path or below it, and those above that reach down to it. */
export function reaching<T extends { path: string; propagate: boolean }>(entries: T[], path: string): T[] {
  return entries.filter((one) => one.path === path || one.path.startsWith(`${path}/`) || (one.propagate && (one.path === "/" || path.startsWith(`${one.path}/`))));
}
