// Text as base64 of its UTF-8, as some settings keep it.
export function encoded(text: string): string {
  let bytes = "";
  for (const byte of new TextEncoder().encode(text)) bytes += String.fromCharCode(byte);
  return btoa(bytes);
}
/** The text; what is no base64 of text was written by hand, and is the text itself. */
export function decoded(base64: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(Uint8Array.from(atob(base64), (one) => one.charCodeAt(0)));
  } catch {
    return base64;
  }
}
