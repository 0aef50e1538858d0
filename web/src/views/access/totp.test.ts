import { expect, it } from "vitest";
import { base32, newSecret, otpauth } from "./totp";

it.each([["", ""], ["f", "MY"], ["fo", "MZXQ"], ["foo", "MZXW6"], ["foob", "MZXW6YQ"], ["fooba", "MZXW6YTB"], ["foobar", "MZXW6YTBOI"]])("writes %s as RFC 4648 does", (text, coded) => expect(base32(new Uint8Array([...text].map((c) => c.charCodeAt(0))))).toBe(coded));
it("makes 160 bits", () => expect(newSecret()).toMatch(/^[A-Z2-7]{32}$/));
it("names issuer and user", () => expect(otpauth("Strongroom vault", "a@pbs", "AB")).toBe("otpauth://totp/Strongroom%20vault%3Aa%40pbs?secret=AB&issuer=Strongroom%20vault&digits=6&period=30&algorithm=SHA1"));
