// Rectangles whose areas are as their sizes, as square as can be (squarified treemap).
export interface Rect<T> { item: T; x: number; y: number; w: number; h: number }

/** Lays items out in `w` by `h`; those without a size have no place. */
export function treemap<T>(items: T[], sizeOf: (item: T) => number, w: number, h: number): Rect<T>[] {
  const list = items.map((item) => ({ item, size: sizeOf(item) })).filter((one) => one.size > 0).toSorted((a, b) => b.size - a.size);
  const total = list.reduce((sum, one) => sum + one.size, 0);
  const rects: Rect<T>[] = [];
  const room = { x: 0, y: 0, w, h };
  const scale = total > 0 ? (w * h) / total : 0;
  let at = 0;
  while (at < list.length && room.w > 0 && room.h > 0) {
    const side = Math.min(room.w, room.h);
    let row: typeof list = [];
    let area = 0;
    let worst = Infinity;
    for (let next = at; next < list.length; next += 1) {
      const one = list[next];
      if (!one) break;
      const sum = area + one.size * scale;
      const all = [...row, one];
      const ratio = Math.max(...all.map(({ size }) => Math.max((side * side * size * scale) / (sum * sum), (sum * sum) / (side * side * size * scale))));
      if (ratio > worst) break;
      [row, area, worst] = [all, sum, ratio];
    }
    const thick = area / side;
    let along = 0;
    for (const { item, size } of row) {
      const long = (size * scale) / thick;
      rects.push(room.w >= room.h ? { item, x: room.x, y: room.y + along, w: thick, h: long } : { item, x: room.x + along, y: room.y, w: long, h: thick });
      along += long;
    }
    if (room.w >= room.h) [room.x, room.w] = [room.x + thick, room.w - thick];
    else [room.y, room.h] = [room.y + thick, room.h - thick];
    at += row.length;
  }
  return rects;
}
/** The largest, and the rest as one. */
export function topOf<T>(items: T[], sizeOf: (item: T) => number, most: number, rest: (others: T[]) => T): T[] {
  const sorted = items.toSorted((a, b) => sizeOf(b) - sizeOf(a));
  return sorted.length <= most ? sorted : [...sorted.slice(0, most - 1), rest(sorted.slice(most - 1))];
}
