import { expect, it } from "vitest";
import { decoded, encoded } from "./base64";

it.each(["", "a", "Zürich – Straße", "zeile\nzeile", "🔒 <b>", "x".repeat(70_000)])("there and back: %#", (text) => expect(decoded(encoded(text))).toBe(text));
it.each([["SGFsbG8=", "Hallo"], ["SGFsbG8", "Hallo"], ["w7w=", "ü"]])("%s is %s", (given, text) => expect(decoded(given)).toBe(text));
// Not base64, or not of text.
it.each(["Only for staff.", "/w==", "Welcome!"])("%s is itself", (given) => expect(decoded(given)).toBe(given));
