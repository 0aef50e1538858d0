import jsQR from "jsqr";
import { expect, it } from "vitest";
import { outline, qr } from "./qr";
import { newSecret, otpauth } from "./totp";

/** Read by somebody else's decoder, from the picture as it is drawn: four dots a square, a quiet edge of four squares. */
function read(grid: boolean[][]): string | undefined {
  const [dots, edge] = [4, 4];
  const side = (grid.length + 2 * edge) * dots;
  const picture = new Uint8ClampedArray(side * side * 4).fill(255);
  for (let y = 0; y < side; y += 1) for (let x = 0; x < side; x += 1) {
    if (grid[Math.floor(y / dots) - edge]?.[Math.floor(x / dots) - edge]) picture.fill(0, (y * side + x) * 4, (y * side + x) * 4 + 3);
  }
  return jsQR(picture, side, side)?.data;
}

it.each(["a", "otpauth://totp/x", "Grüße & 日本", ...[14, 26, 42, 62, 84, 106, 122, 152, 180, 213, 251, 287, 331, 362, 412].flatMap((most) => ["x".repeat(most), "y".repeat(most - 1)])])("a reader reads %j", (text) => expect(read(qr(text))).toBe(text));
it("grows by versions, and says when there is no room", () => {
  expect([14, 15, 412].map((length) => qr("x".repeat(length)).length)).toEqual([21, 25, 77]);
  expect(() => qr("x".repeat(413))).toThrow(RangeError);
});
it("holds the address for an authenticator app", () => {
  const uri = otpauth("Strongroom backup.example.com", "somebody-with-a-long-name@a-realm", newSecret());
  expect(read(qr(uri))).toBe(uri);
});
it("is drawn square by square", () => expect(outline([[true, false], [false, true]])).toBe("M0 0h1v1h-1zM1 1h1v1h-1z"));
