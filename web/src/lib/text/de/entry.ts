import type { Part } from "../../text";
import type { entry as english } from "../en/entry";

export const entry: Part<typeof english> = {
  "entry.add": "Neu: {kind}", "entry.edit": "{kind} {id} ändern", "entry.remove": "{kind} {id} entfernen?", "entry.actions": "Aktionen für {id}", "entry.never": "noch nicht gelaufen", "entry.running": "läuft",
  "entry.secret.keep": "Leer: der gespeicherte Wert bleibt.", "entry.list.hint": "Einer je Zeile.",
  "entry.schedule.hint": "Ein Wort, oder [Tage] [Datum] [Stunde:Minute], etwa „mon..fri 21:00“, „*/30“, „sat *-1..7 15:00“. In der Zeitzone des Servers, außer am Ende steht UTC.",
  "entry.schedule.unreadable": "Das sieht nicht nach einem Zeitplan aus: [Tage] [Datum] [Stunde:Minute], etwa „mon..fri 21:00“; Listen mit Kommas, Bereiche mit zwei Punkten, Schritte mit Schrägstrich.",
  "entry.schedule.minutes": "Eine Zahl allein ist eine Minute jeder Stunde. Eine Uhrzeit schreibt man {n}:00.",
};
