// Whether a user or token can log in, in a word.
import { t } from "../../lib/text";
interface Account { enable?: boolean; expire?: number; "totp-locked"?: boolean; "tfa-locked-until"?: number }
export function accountState(row: Account, now: number): string {
  if (row.enable === false) return t("access.state.off");
  if (row.expire && row.expire <= now) return t("access.state.expired");
  if (row["totp-locked"] || (row["tfa-locked-until"] ?? 0) > now) return t("access.state.locked");
  return t("access.state.on");
}
