// Property strings as the configuration has them: `key=value,key=value`, texts with a comma quoted.
export type Properties = Record<string, string>;

/** Reads one; a first part without a key is that of `first`. */
export function read(text: string | undefined, first = ""): Properties {
  const found: Properties = {};
  for (const [, part = ""] of (text ?? "").matchAll(/((?:[^,"\\]|"(?:[^"\\]|\\.)*"|\\.)+)(?:,|$)/g)) {
    const at = part.indexOf("=");
    const [key, value] = at < 0 ? [first, part] : [part.slice(0, at).trim(), part.slice(at + 1)];
    if (key !== "") found[key] = value.startsWith('"') && value.endsWith('"') && value.length > 1 ? value.slice(1, -1).replace(/\\(.)/g, "$1") : value;
  }
  return found;
}
/** Writes one; empty values are left out. */
export function write(properties: Properties): string {
  const quoted = (value: string) => (/[,"\\=;]|^\s|\s$/.test(value) ? `"${value.replace(/["\\]/g, "\\$&")}"` : value);
  return Object.entries(properties).filter(([, value]) => value !== "").map(([key, value]) => `${key}=${quoted(value)}`).join(",");
}
