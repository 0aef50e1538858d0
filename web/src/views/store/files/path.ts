// Paths in archives: the API wants them as base64 of their bytes, since names are bytes and not always UTF-8.
export const ROOT = "/";
const SLASH = 47;

export const bytesOf = (encoded: string): Uint8Array => Uint8Array.from(atob(encoded), (c) => c.charCodeAt(0));
export const encodeBytes = (bytes: Uint8Array): string => btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));

export interface Step { label: string; path: string }

/** The folders on the way to a path, from the first below the root. A path that is no base64 has none. */
export function steps(path: string): Step[] {
  if (path === ROOT || path === "") return [];
  let bytes: Uint8Array;
  try {
    bytes = bytesOf(path);
  } catch {
    return [];
  }
  const found: Step[] = [];
  let from = 0;
  for (let at = 0; at <= bytes.length; at += 1) {
    if (at !== bytes.length && bytes[at] !== SLASH) continue;
    if (at > from) found.push({ label: new TextDecoder().decode(bytes.subarray(from, at)), path: encodeBytes(bytes.subarray(0, at)) });
    from = at + 1;
  }
  return found;
}
export const parent = (path: string): string => steps(path).at(-2)?.path ?? ROOT;
/** The path of an entry by its text, for comparing folders of two snapshots. */
export const entryPath = (folder: string, name: Uint8Array): string => {
  const above = folder === ROOT ? new Uint8Array() : bytesOf(folder);
  const joined = new Uint8Array(above.length + 1 + name.length);
  joined.set(above);
  joined[above.length] = SLASH;
  joined.set(name, above.length + 1);
  return encodeBytes(joined);
};
