// Messages: `t("area.key", { name })`. One catalog file an area under text/en/; another language is a folder beside it with the same keys. A catalog is
// loaded before the app is; another language is chosen for the next start of the app.
import type { catalog as english } from "./text/en";
import { language as wished } from "./state/welcome";

export type Key = keyof typeof english;
export type Catalog = Readonly<Record<Key, string>>;
/** A part of a catalog with the keys of the English one. */
export type Part<English> = Readonly<Record<keyof English, string>>;

/** Each by its own name. */
export const LANGUAGES = { en: "English", de: "Deutsch" } as const;
export type Language = keyof typeof LANGUAGES;
const LOADERS: Record<Language, () => Promise<{ catalog: Catalog }>> = { en: () => import("./text/en"), de: () => import("./text/de") };
/** Of the original, so that a choice holds for both. */
const COOKIE = "PBSLangCookie";
const YEAR_S = 31_536_000;

let catalog: Catalog | undefined;
let spoken: Language = "en";
let numbers = "en";

const known = (tag: string | undefined): Language | undefined => (Object.keys(LANGUAGES) as Language[]).find((one) => one === tag?.toLowerCase().split(/[-_]/)[0]);
/** What somebody chose here, else what the server is set to, else what the browser asks for. */
export function preferred(cookie: string, server: string, browser: readonly string[]): Language {
  const chosen = /(?:^|;\s*)PBSLangCookie=([^;]*)/.exec(cookie)?.[1];
  return known(chosen) ?? known(server) ?? browser.map(known).find((one) => one !== undefined) ?? "en";
}
export const language = (): Language => spoken;
/** For numbers: the browser's own kind of the language. */
export const locale = (): string => numbers;

export function use(language: Language, texts: Catalog): void {
  [catalog, spoken] = [texts, language];
  numbers = navigator.languages.find((one) => known(one) === language) ?? language;
  document.documentElement.lang = language;
}
/** Loads the catalog that is wished for. */
export async function load(): Promise<void> {
  const language = preferred(document.cookie, wished(), navigator.languages);
  use(language, (await LOADERS[language]()).catalog);
}
/** From the next start on, which is now. */
export function choose(language: Language): void {
  document.cookie = `${COOKIE}=${language}; Secure; SameSite=Lax; Path=/; Max-Age=${YEAR_S}`;
  location.reload();
}

export function t(key: Key, values: Record<string, string | number> = {}): string {
  if (!catalog) throw new Error(`"${key}" is asked for before a language is loaded`);
  return catalog[key].replace(/\{(\w+)\}/g, (_, name: string) => String(values[name] ?? `{${name}}`));
}
/** `key.one` or `key.many` with `{n}`. */
export function count(one: Key, many: Key, n: number): string {
  return t(n === 1 ? one : many, { n: number(n) });
}
/** A whole number as the language writes it. */
export const number = (n: number): string => n.toLocaleString(numbers);
/** With so many digits behind the point, which may be a comma. */
export const fixed = (n: number, digits: number): string => n.toLocaleString(numbers, { minimumFractionDigits: digits, maximumFractionDigits: digits, useGrouping: false });
