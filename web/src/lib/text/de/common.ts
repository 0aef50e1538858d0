import type { Part } from "../../text";
import type { common as english } from "../en/common";

export const common: Part<typeof english> = {
  "ok": "OK", "cancel": "Abbrechen", "close": "Schließen", "save": "Speichern", "add": "Hinzufügen", "edit": "Bearbeiten", "remove": "Entfernen", "run": "Jetzt ausführen", "stop": "Anhalten", "download": "Herunterladen", "copy": "Kopieren", "copied": "Kopiert", "retry": "Noch einmal versuchen", "reload": "Neu laden", "search": "Suchen", "filter": "Filter", "more": "Mehr", "loading": "Wird geladen", "yes": "ja", "no": "nein", "none": "keine", "never": "nie", "chart.empty": "Noch keine Werte.", "all": "alle", "advanced": "Erweitert", "name": "Name", "comment": "Kommentar", "status": "Status", "user": "Benutzer", "size": "Größe", "time": "Zeit", "type": "Art", "actions": "Aktionen", "enabled": "Aktiv", "created": "Erstellt", "password": "Kennwort", "owner": "Eigentümer", "select": "Auswählen", "back": "Zurück",
  "typed.label": "Zur Bestätigung {word} eingeben",
  "error.title": "Das hat nicht geklappt", "error.lost": "Der Server ist nicht erreichbar. Läuft er, und führt das Netz zu ihm?", "error.403": "Dafür fehlt eine Berechtigung. Wer Berechtigungen ändern darf, kann sie geben.", "error.404": "Das ist nicht (mehr) da. Liste neu laden.", "error.501": "Diese Ausgabe des Servers kann das noch nicht.", "error.absent": "Dieser Server bietet das nicht: er ist älter oder von anderer Art.", "error.modified": "Jemand anders hat es inzwischen geändert: neu laden, dann noch einmal ändern.", "error.maintenance": "Der Datenspeicher wird gewartet; seine Optionen sagen, warum und bis wann.",
  "table.rows": "{n} Zeilen", "table.shown": "{shown} von {n} Zeilen", "table.nothing": "Nichts passt.", "sort.by": "Nach {name} ordnen",
};
