// @vitest-environment node
import { readdirSync, readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { pages, part } from "./pages";

const of = (text: string, more: Record<string, string> = {}) => pages({ "README.md": text, ...more })[0]?.html ?? "";

it.each([
  ["# Guide", '<h1 id="guide">Guide</h1>'],
  ["## What `x` & y: a_b", 'id="what-x--y-a_b"'],
  ["[a](other.md)", '<a href="other.html">a</a>'],
  ["[a](other.md#a-part)", '<a href="other.html#a-part">a</a>'],
  ["# Here\n[a](#here)", '<a href="#here">a</a>'],
  ["[a](README.md)", '<a href="index.html">a</a>'],
  ["[a](https://example.org/?a&b)", '<a href="https://example.org/?a&amp;b" rel="noopener noreferrer">a</a>'],
  ["in [pictures](screenshots/).", "in pictures."],
  ["`source <(x)` <b>bold</b>", "<code>source &lt;(x)</code> &lt;b&gt;bold&lt;/b&gt;"],
])("%s", (text, expected) => expect(of(text, { "other.md": "# Other\n## A part\n" })).toContain(expected));
it.each(["[a](nothing.md)", "[a](other.md#nothing)", "[a](#nothing)", "[a](../secret.md)"])("does not go on with a link that leads nowhere: %s", (text) => expect(() => of(text, { "other.md": "# Other" })).toThrow("leads nowhere"));
it("numbers headings of the same name", () => {
  const taken = new Set<string>();
  expect([part("A b", taken), part("A b", taken), part("A b", taken)]).toEqual(["a-b", "a-b-1", "a-b-2"]);
});
it("has no pages without a start", () => expect(pages({ "server.md": "# Server" })).toEqual([]));
it("makes all pages of the guide, which need nothing that the policy forbids", () => {
  const folder = new URL("../../docs/guide/", import.meta.url);
  const names = readdirSync(folder).filter((name) => name.endsWith(".md"));
  const made = pages(Object.fromEntries(names.map((name) => [name, readFileSync(new URL(name, folder), "utf8")])));
  expect(made.map((one) => one.name).toSorted()).toEqual(names.map((name) => (name === "README.md" ? "index.html" : name.replace(".md", ".html"))).toSorted());
  for (const { name, html } of made) {
    expect(html, name).not.toMatch(/<script|<style|\sstyle=|\son\w+=/);
    // Everything can be reached from everywhere.
    expect(html.match(/<nav[^]*<\/nav>/)?.[0].match(/<a /g)?.length, name).toBe(made.length);
  }
});
