// Forms and lists of configuration entries.
export const entry = {
  "entry.add": "Add {kind}", "entry.edit": "Change {kind} {id}", "entry.remove": "Remove {kind} {id}?", "entry.actions": "Actions for {id}", "entry.never": "not run yet", "entry.running": "running",
  "entry.secret.keep": "Empty keeps the one that is stored.", "entry.list.hint": "One a line.",
  "entry.schedule.hint": "Keyword, or [days] [date] [hour:minute], e.g. “mon..fri 21:00”, “*/30”, “sat *-1..7 15:00”. In the server's time zone unless it ends in UTC.",
  "entry.schedule.unreadable": "This does not look like a schedule: [days] [date] [hour:minute], e.g. “mon..fri 21:00”; lists with commas, ranges with two dots, steps with a slash.",
  "entry.schedule.minutes": "A number alone is a minute of every hour. For a time of day write {n}:00.",
} as const;
