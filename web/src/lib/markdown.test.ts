import { expect, it } from "vitest";
import { blocks, inlines, type Inline } from "./markdown";

/** Short for tests: emphasis in brackets of its kind. */
const short = (of: Inline[]): string => of.map((one) => one.kind === "text" ? one.text : one.kind === "code" ? `code(${one.text})` : one.kind === "break" ? "break()" : one.kind === "link" ? `link(${one.href}: ${short(one.of)})` : `${one.kind}(${short(one.of)})`).join("");

it.each([
  ["plain", "plain"],
  ["two\nlines", "two lines"],
  ["hard  \nbreak", "hardbreak()break"],
  ["hard\\\nbreak", "hardbreak()break"],
  ["**strong** and *em* and _em_ and __strong__", "strong(strong) and em(em) and em(em) and strong(strong)"],
  ["**a *b* c**", "strong(a em(b) c)"],
  ["2 * 3 * 4 and snake_case_name", "2 * 3 * 4 and snake_case_name"],
  ["*open and **open", "*open and **open"],
  ["`a *b* c` and ``a`b``", "code(a *b* c) and code(a`b)"],
  ["\\*not\\* \\\\", "*not* \\"],
  ["[text](https://example.org/a_b_c) end", "link(https://example.org/a_b_c: text) end"],
  ["[*text*](https://example.org \"title\")", "link(https://example.org: em(text))"],
  ["<https://example.org> <mailto:a@example.org>", "link(https://example.org: https://example.org) link(mailto:a@example.org: a@example.org)"],
  ["see https://example.org/x, or not", "see link(https://example.org/x: https://example.org/x), or not"],
  ["[https://a.example](https://b.example)", "link(https://b.example: https://a.example)"],
  // Nothing that runs, and no HTML.
  ["[a](javascript:alert(1)) [b](JavaScript:x) [c](data:text/html,x) [d](//x) [e](file:///etc)", "[a](javascript:alert(1)) [b](JavaScript:x) [c](data:text/html,x) [d](//x) [e](file:///etc)"],
  ["<img src=x onerror=alert(1)> & <b>b</b>", "<img src=x onerror=alert(1)> & <b>b</b>"],
])("%j", (text, expected) => expect(short(inlines(text))).toBe(expected));

it("knows blocks", () => {
  const text = "# Title #\nfirst\nparagraph\n\nsecond\n- one\n  goes on\n- two\n\n1. first\n2. second\n***\n```\n# code\n\nmore\n```\n## Below\n";
  expect(blocks(text).map((one) => (one.kind === "list" ? `${one.ordered ? `from ${one.start}` : "list"}: ${one.items.map(short).join(" | ")}` : one.kind === "rule" ? "rule" : one.kind === "code" ? `code: ${one.text}` : `${one.kind}${one.kind === "heading" ? one.level : ""}: ${short(one.of)}`))).toEqual(["heading1: Title", "paragraph: first paragraph", "paragraph: second", "list: one goes on | two", "from 1: first | second", "rule", "code: # code\n\nmore", "heading2: Below"]);
});
it.each(["", "\n\n \n", "```", "- ", "#", "**", "["])("makes something of %j", (text) => expect(() => blocks(text)).not.toThrow());
it.each(["*a ", "**", "[a](", "`", "_a", "<https://", "# ", "- ", "> ", "https://"])("is fast with many of %j", (piece) => {
  const start = Date.now();
  blocks(piece.repeat(48_000 / piece.length));
  expect(Date.now() - start).toBeLessThan(2000);
});
it.each([["# ", ""], ["# ", "x"], ["# ", "\u2028"], ["- ", "\u2028x"], ["a", "x"], ["", "x"], ["[a](b", "x"], ["", "\nx"]])("is fast with many blanks between %j and %j", (before, behind) => {
  const start = Date.now();
  blocks(before + " ".repeat(60_000) + behind);
  expect(Date.now() - start).toBeLessThan(1000);
});
it.each([["# a # b ##  ", "a # b"], ["# a#", "a#"], ["# ##", ""], ["#  a ", "a"]])("%j is a heading", (text, said) => expect(blocks(text)).toEqual([{ kind: "heading", level: 1, of: inlines(said) }]));
