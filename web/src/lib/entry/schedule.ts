// Calendar events: what is suggested, and whether a text can be one. The server has the last word.
export const SUGGESTIONS = ["hourly", "daily", "weekly", "monthly", "*/30", "2,22:30", "21:00", "mon..fri 21:00", "mon..fri 8..17,22:0/15", "sat 18:15", "sat *-1..7 15:00", "*-*-01 03:00"];

const KEYWORD = /^(minutely|hourly|daily|weekly|monthly|quarterly|semi-?annually|yearly|annually)$/;
const DAY = "(?:mon(?:day)?|tue(?:sday)?|wed(?:nesday)?|thu(?:rsday)?|fri(?:day)?|sat(?:urday)?|sun(?:day)?)";
const LIST = "(?:\\*(?:/\\d+)?|\\d+(?:\\.\\.\\d+)?(?:/\\d+)?(?:,\\d+(?:\\.\\.\\d+)?(?:/\\d+)?)*)";
const DAYS = `${DAY}(?:\\.\\.${DAY})?(?:,${DAY}(?:\\.\\.${DAY})?)*`;
const EVENT = new RegExp(`^(?:${DAYS})?[ \\t]*(?:${LIST}-${LIST}(?:-${LIST})?)?[ \\t]*(?:${LIST}(?::${LIST}){0,2})?$`, "i");

/** What is doubtful about a schedule: nothing, that it cannot be read, or that it is minutes and was perhaps meant as an hour. */
export function doubt(text: string): "" | "unreadable" | "minutes" {
  const event = text.trim().replace(/\s*UTC$/i, "");
  if (event === "") return text.trim() === "" ? "" : "unreadable";
  if (KEYWORD.test(event)) return "";
  if (!EVENT.test(event)) return "unreadable";
  return /(?:^|\s)\d+$/.test(event) ? "minutes" : "";
}
