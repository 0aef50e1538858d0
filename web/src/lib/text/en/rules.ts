// Editors of times, and of what a notification must be like.
export const rules = {
  "daily.mon": "Mon", "daily.tue": "Tue", "daily.wed": "Wed", "daily.thu": "Thu", "daily.fri": "Fri", "daily.sat": "Sat", "daily.sun": "Sun",
  "daily.days": "Days", "daily.start": "From", "daily.end": "Until", "daily.text": "As text", "daily.nodays": "Choose at least one day.", "daily.backwards": "It must not end before it starts: for a time that goes over midnight add two.",
  "daily.add": "Add a time", "daily.remove": "Remove time {n}", "daily.n": "Time {n}", "daily.always": "No time is set: always.", "daily.hint": "In the server's time zone; the end is not part of it.",
  "rules.general": "General", "rules.rules": "Which notifications", "rules.targets": "Where they go",
  "rules.mode": "Sent is what matches", "rules.mode.all": "all rules", "rules.mode.any": "at least one rule", "rules.mode.not-all": "not all rules", "rules.mode.not-any": "none of the rules", "rules.none": "No rule is set: everything is sent.",
  "rules.n": "Rule {n}", "rules.kind": "What is looked at", "rules.kind.exact": "Field is", "rules.kind.regex": "Field matches", "rules.kind.severity": "Severity is", "rules.kind.calendar": "Time is", "rules.kind.text": "As text ({list})",
  "rules.field": "Field", "rules.value": "Value, or several with commas", "rules.expression": "Regular expression", "rules.text": "Text of the rule", "rules.add": "Add a rule", "rules.remove": "Remove rule {n}", "rules.noseverity": "Choose at least one severity.",
  "rules.severity.info": "info", "rules.severity.notice": "notice", "rules.severity.warning": "warning", "rules.severity.error": "error", "rules.severity.unknown": "unknown",
  "rules.target.gone": "{name} (there is no such target)", "rules.target.off": "{name} (switched off)", "rules.target.none": "No target is chosen: nothing is sent.",
} as const;
