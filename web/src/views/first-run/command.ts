// The client's commands for a new account.
export interface Access { token: string; secret: string; host: string; port: string; store: string; fingerprint?: string }

const quoted = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;
export function command({ token, secret, host, port, store, fingerprint }: Access): string {
  const lines = [`export PBS_REPOSITORY=${quoted(`${token}@${host}${port && port !== "8007" ? `:${port}` : ""}:${store}`)}`, `export PBS_PASSWORD=${quoted(secret)}`];
  if (fingerprint) lines.push(`export PBS_FINGERPRINT=${quoted(fingerprint)}`);
  return [...lines, "strongroom backup root.pxar:/"].join("\n");
}
/** Keep options that are given, as numbers. */
export function keeps(values: Record<string, string>): Record<string, number> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => Number(value) > 0).map(([name, value]) => [`keep-${name}`, Math.round(Number(value))]));
}
