// What the server says to whoever has not logged in yet. It stands in the start page as data; the page of `npm run dev` says nothing.
import { decoded } from "../base64";

const said = (name: string): string => (typeof document === "undefined" ? null : document.querySelector<HTMLMetaElement>(`meta[name="strongroom-${name}"]`))?.content ?? "";
/** Markdown to agree to before the login; empty for none. */
export const consent = (): string => decoded(said("consent")).trim();
/** Language for whoever chose none. */
export const language = (): string => said("language");
