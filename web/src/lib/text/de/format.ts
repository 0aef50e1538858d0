import type { Part } from "../../text";
import type { format as english } from "../en/format";

export const format: Part<typeof english> = {
  "format.time": "{day}.{month}.{year} {clock}", "format.day": "{day}.{month}.", "format.ago": "vor {text}", "format.in": "in {text}", "format.s": "{n} s", "format.min": "{n} min", "format.h": "{n} h", "format.d": "{n} Tg.",
};
