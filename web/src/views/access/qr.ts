// QR codes of texts (ISO/IEC 18004): bytes, level M, versions 1 to 15, which is more than an address for an authenticator app needs.
/** Blocks at level M by version: correction words of a block, then `[blocks, data words]` of one or two sorts. */
const BLOCKS: [number, ...[number, number][]][] = [
  [10, [1, 16]], [16, [1, 28]], [26, [1, 44]], [18, [2, 32]], [24, [2, 43]], [16, [4, 27]], [18, [4, 31]], [22, [2, 38], [2, 39]],
  [22, [3, 36], [2, 37]], [26, [4, 43], [1, 44]], [30, [1, 50], [4, 51]], [22, [6, 36], [2, 37]], [22, [8, 37], [1, 38]], [24, [4, 40], [5, 41]], [24, [5, 41], [5, 42]],
];
/** Middles of the alignment patterns by version. */
const MIDDLES = [[], [6, 18], [6, 22], [6, 26], [6, 30], [6, 34], [6, 22, 38], [6, 24, 42], [6, 26, 46], [6, 28, 50], [6, 30, 54], [6, 32, 58], [6, 34, 62], [6, 26, 46, 66], [6, 26, 48, 70]];
const MASKS: ((x: number, y: number) => boolean)[] = [
  (x, y) => (x + y) % 2 === 0, (_, y) => y % 2 === 0, (x) => x % 3 === 0, (x, y) => (x + y) % 3 === 0, (x, y) => (Math.floor(x / 3) + Math.floor(y / 2)) % 2 === 0,
  (x, y) => ((x * y) % 2) + ((x * y) % 3) === 0, (x, y) => (((x * y) % 2) + ((x * y) % 3)) % 2 === 0, (x, y) => (((x + y) % 2) + ((x * y) % 3)) % 2 === 0,
];

/** Product in the field of 256 elements, modulo x^8 + x^4 + x^3 + x^2 + 1. */
function times(a: number, b: number): number {
  let product = 0;
  for (let bit = 7; bit >= 0; bit -= 1) {
    product = (product << 1) ^ (product >> 7 ? 0x11d : 0);
    if ((b >> bit) & 1) product ^= a;
  }
  return product;
}
/** Remainder of the data by the generator of so many correction words. */
function correction(data: number[], count: number): number[] {
  let generator = [1];
  for (let i = 0, root = 1; i < count; i += 1, root = times(root, 2)) {
    const by = root;
    const shifted = [...generator, 0];
    generator = shifted.map((one, at) => one ^ (at > 0 ? times(generator[at - 1] ?? 0, by) : 0));
  }
  const rest = [...data, ...Array<number>(count).fill(0)];
  for (let at = 0; at < data.length; at += 1) {
    const lead = rest[at] ?? 0;
    if (lead !== 0) generator.forEach((one, i) => (rest[at + i] = (rest[at + i] ?? 0) ^ times(one, lead)));
  }
  return rest.slice(data.length);
}
/** Remainder of binary division, for format and version. */
function check(value: number, by: number, bits: number): number {
  let rest = value << bits;
  const top = 31 - Math.clz32(by);
  for (let at = 31 - Math.clz32(rest | 1); at >= top; at = 31 - Math.clz32(rest | 1)) rest ^= by << (at - top);
  return (value << bits) | rest;
}

/** Version and all words of it, data and correction laid through each other. */
function words(bytes: Uint8Array): { version: number; all: number[] } {
  for (const [i, [fix, ...sorts]] of BLOCKS.entries()) {
    const version = i + 1;
    const room = sorts.reduce((sum, [blocks, each]) => sum + blocks * each, 0);
    const bits: number[] = [];
    const put = (value: number, count: number) => {
      for (let bit = count - 1; bit >= 0; bit -= 1) bits.push((value >> bit) & 1);
    };
    put(4, 4);
    put(bytes.length, version < 10 ? 8 : 16);
    for (const byte of bytes) put(byte, 8);
    if (bits.length > room * 8) continue;
    put(0, Math.min(4, room * 8 - bits.length));
    while (bits.length % 8 !== 0) bits.push(0);
    for (let pad = 0xec; bits.length < room * 8; pad ^= 0xec ^ 0x11) put(pad, 8);
    const data = Array.from({ length: room }, (_, at) => bits.slice(at * 8, at * 8 + 8).reduce((sum, bit) => (sum << 1) | bit, 0));
    let from = 0;
    const blocks = sorts.flatMap(([count, each]) => Array.from({ length: count }, () => data.slice(from, (from += each))));
    const fixes = blocks.map((block) => correction(block, fix));
    const woven = (of: number[][]) => Array.from({ length: Math.max(...of.map((one) => one.length)) }, (_, at) => of.flatMap((one) => one.slice(at, at + 1))).flat();
    return { version, all: [...woven(blocks), ...woven(fixes)] };
  }
  throw new RangeError("The text is too long for a QR code.");
}

/** `true` is dark. */
type Grid = (boolean | undefined)[][];

/** What is the same in each code of a version; places of format and data are left open. */
function frame(version: number): Grid {
  const side = 17 + 4 * version;
  const grid: Grid = Array.from({ length: side }, () => Array<undefined>(side).fill(undefined));
  const set = (x: number, y: number, dark: boolean) => {
    const row = grid[y];
    if (row && x >= 0 && x < side) row[x] = dark;
  };
  for (let i = 0; i < side; i += 1) {
    set(i, 6, i % 2 === 0);
    set(6, i, i % 2 === 0);
  }
  for (const [cx, cy] of [[3, 3], [side - 4, 3], [3, side - 4]] as const)
    for (let y = -4; y <= 4; y += 1) for (let x = -4; x <= 4; x += 1) set(cx + x, cy + y, ![2, 4].includes(Math.max(Math.abs(x), Math.abs(y))));
  const middles = MIDDLES[version - 1] ?? [];
  const last = middles.length - 1;
  middles.forEach((cx, i) => middles.forEach((cy, j) => {
    if ((i === 0 && (j === 0 || j === last)) || (i === last && j === 0)) return;
    for (let y = -2; y <= 2; y += 1) for (let x = -2; x <= 2; x += 1) set(cx + x, cy + y, Math.max(Math.abs(x), Math.abs(y)) !== 1);
  }));
  if (version >= 7) {
    const bits = check(version, 0x1f25, 12);
    for (let i = 0; i < 18; i += 1) {
      const [a, b, dark] = [side - 11 + (i % 3), Math.floor(i / 3), ((bits >> i) & 1) === 1];
      set(a, b, dark);
      set(b, a, dark);
    }
  }
  return grid;
}
/** Level M and the mask, twice. */
function format(grid: Grid, mask: number): void {
  const side = grid.length;
  const bits = check(mask, 0x537, 10) ^ 0x5412;
  const set = (x: number, y: number, i: number) => {
    const row = grid[y];
    if (row) row[x] = ((bits >> i) & 1) === 1;
  };
  for (let i = 0; i < 15; i += 1) {
    if (i < 6) set(8, i, i);
    else if (i < 8) set(8, i + 1, i);
    else if (i === 8) set(7, 8, i);
    else set(14 - i, 8, i);
    if (i < 8) set(side - 1 - i, 8, i);
    else set(8, side - 15 + i, i);
  }
  const row = grid[side - 8];
  if (row) row[8] = true;
}
/** Lays the words in columns of two, up and down from the right, and turns them around by the mask. */
function lay(grid: Grid, all: number[], mask: number): boolean[][] {
  const side = grid.length;
  const turned = MASKS[mask] ?? (() => false);
  const laid = grid.map((row) => [...row]);
  let at = 0;
  for (let right = side - 1, up = true; right >= 1; right -= 2, up = !up) {
    if (right === 6) right = 5;
    for (let i = 0; i < side; i += 1) {
      const y = up ? side - 1 - i : i;
      for (const x of [right, right - 1]) {
        const row = laid[y];
        if (!row || row[x] !== undefined) continue;
        const bit = ((all[at >> 3] ?? 0) >> (7 - (at & 7))) & 1;
        at += 1;
        row[x] = (bit === 1) !== turned(x, y);
      }
    }
  }
  return laid as boolean[][];
}
/** How badly a code reads: long runs, squares, look-alikes of the corner patterns, too much of one colour. */
export function badness(grid: boolean[][]): number {
  const side = grid.length;
  const columns = grid.map((_, x) => grid.map((row) => row[x] ?? false));
  let sum = 0;
  for (const line of [...grid, ...columns]) {
    const text = line.map((dark) => (dark ? "1" : "0")).join("");
    for (const [run] of text.matchAll(/1{5,}|0{5,}/g)) sum += run.length - 2;
    for (let at = 0; at + 11 <= side; at += 1) if (["10111010000", "00001011101"].includes(text.slice(at, at + 11))) sum += 40;
  }
  for (let y = 0; y + 1 < side; y += 1) for (let x = 0; x + 1 < side; x += 1) {
    const of = grid[y]?.[x];
    if (grid[y]?.[x + 1] === of && grid[y + 1]?.[x] === of && grid[y + 1]?.[x + 1] === of) sum += 3;
  }
  const dark = grid.flat().filter(Boolean).length;
  return sum + 10 * Math.floor(Math.abs((20 * dark) / (side * side) - 10));
}

/** The code of a text, row by row; `true` is dark. Throws a RangeError if it does not fit. */
export function qr(text: string): boolean[][] {
  const { version, all } = words(new TextEncoder().encode(text));
  const grid = frame(version);
  let best: boolean[][] | undefined;
  let least = Infinity;
  for (let mask = 0; mask < 8; mask += 1) {
    const own = grid.map((row) => [...row]);
    format(own, mask);
    const laid = lay(own, all, mask);
    const bad = badness(laid);
    if (bad < least) [best, least] = [laid, bad];
  }
  return best ?? [];
}
/** Its dark squares as the path of an SVG whose unit is one square. */
export function outline(grid: boolean[][]): string {
  return grid.flatMap((row, y) => row.map((dark, x) => (dark ? `M${x} ${y}h1v1h-1z` : ""))).join("");
}
