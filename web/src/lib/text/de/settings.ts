import type { Part } from "../../text";
import type { settings as english } from "../en/settings";

export const settings: Part<typeof english> = {
  "settings.title": "Meine Einstellungen", "settings.where": "Sie gelten in diesem Browser, für jeden, der ihn benutzt.", "settings.columns": "Spalten der Übersicht und der Diagramme", "settings.columns.auto": "so viele wie Platz haben", "settings.columns.hint": "Ein schmales Fenster hat eine.",
  "settings.language": "Sprache", "settings.name": "Gemerkter Benutzername", "settings.name.forget": "Vergessen", "settings.layout": "Anordnung", "settings.layout.hint": "Ordnung der Listen, Spalten, Tage im Rückblick", "settings.layout.reset": "Zurücksetzen", "settings.layout.done": "Alles ist wie am Anfang.",
};
