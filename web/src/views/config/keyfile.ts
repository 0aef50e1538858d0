// The key that is to be added: a file that was chosen, or what was typed.
import { t } from "../../lib/text";

/** A key file has a few hundred bytes. */
const MOST = 65_536;

/** Nothing means that a new key is to be made; never while a file is chosen. */
export async function given(file: File | null, typed: string): Promise<string | undefined> {
  if (!file) return typed.trim() === "" ? undefined : typed;
  const text = file.size > MOST ? "" : await file.text().catch(() => "");
  if (text.trim() === "") throw new Error(t("config.keys.unread", { name: file.name }));
  return text;
}
