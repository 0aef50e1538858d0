import type { Part } from "../../text";
import type { rules as english } from "../en/rules";

export const rules: Part<typeof english> = {
  "daily.mon": "Mo", "daily.tue": "Di", "daily.wed": "Mi", "daily.thu": "Do", "daily.fri": "Fr", "daily.sat": "Sa", "daily.sun": "So",
  "daily.days": "Tage", "daily.start": "Von", "daily.end": "Bis", "daily.text": "Als Text", "daily.nodays": "Mindestens einen Tag wählen.", "daily.backwards": "Das Ende darf nicht vor dem Anfang liegen: für eine Zeit über Mitternacht zwei anlegen.",
  "daily.add": "Zeit hinzufügen", "daily.remove": "Zeit {n} entfernen", "daily.n": "Zeit {n}", "daily.always": "Keine Zeit gesetzt: immer.", "daily.hint": "In der Zeitzone des Servers; das Ende gehört nicht dazu.",
  "rules.general": "Allgemein", "rules.rules": "Welche Benachrichtigungen", "rules.targets": "Wohin sie gehen",
  "rules.mode": "Gesendet wird, was passt auf", "rules.mode.all": "alle Regeln", "rules.mode.any": "mindestens eine Regel", "rules.mode.not-all": "nicht alle Regeln", "rules.mode.not-any": "keine der Regeln", "rules.none": "Keine Regel gesetzt: alles wird gesendet.",
  "rules.n": "Regel {n}", "rules.kind": "Worauf geachtet wird", "rules.kind.exact": "Feld ist", "rules.kind.regex": "Feld passt auf", "rules.kind.severity": "Schwere ist", "rules.kind.calendar": "Zeit ist", "rules.kind.text": "Als Text ({list})",
  "rules.field": "Feld", "rules.value": "Wert, oder mehrere mit Kommas", "rules.expression": "Regulärer Ausdruck", "rules.text": "Text der Regel", "rules.add": "Regel hinzufügen", "rules.remove": "Regel {n} entfernen", "rules.noseverity": "Mindestens eine Schwere wählen.",
  "rules.severity.info": "Info", "rules.severity.notice": "Hinweis", "rules.severity.warning": "Warnung", "rules.severity.error": "Fehler", "rules.severity.unknown": "unbekannt",
  "rules.target.gone": "{name} (dieses Ziel gibt es nicht)", "rules.target.off": "{name} (abgeschaltet)", "rules.target.none": "Kein Ziel gewählt: nichts wird gesendet.",
};
