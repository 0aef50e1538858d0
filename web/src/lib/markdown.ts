// A small part of Markdown as values that components draw: paragraphs, headings, lists, code, rules; emphasis, code, links and line breaks in them. What is
// not known stays text, HTML as well. The text may be anybody's: whatever looks ahead is bounded.
export type Inline =
  | { kind: "text"; text: string }
  | { kind: "code"; text: string }
  | { kind: "strong"; of: Inline[] }
  | { kind: "em"; of: Inline[] }
  | { kind: "link"; href: string; of: Inline[] }
  | { kind: "break" };
export type Block =
  | { kind: "paragraph"; of: Inline[] }
  | { kind: "heading"; level: number; of: Inline[] }
  | { kind: "list"; ordered: boolean; start: number; items: Inline[][] }
  | { kind: "code"; text: string }
  | { kind: "rule" };

/** Emphasis in emphasis in a link. */
const DEEP = 4;
const link = (href: string, of: Inline[]): Inline => ({ kind: "link", href, of });
const words = (text: string): Inline => ({ kind: "text", text });
/** Addresses that a click may lead to. */
const harmless = (href: string): boolean => /^(?:https?:\/\/|mailto:)/i.test(href);

/** Where something else than text may begin; then the first rule that fits counts, and without one it is text. */
const BEGIN = /[\\`[<*_]|https?:\/\/| {2,100}\n/g;
const RULES: [RegExp, (found: string[], deep: number) => Inline | string | null][] = [
  [/\\\n| {2,100}\n/y, () => ({ kind: "break" })],
  [/\\([!-/:-@[-`{-~])/y, ([, char = ""]) => char],
  [/(`{1,3})(?!`)([^]{1,1000}?)(?<!`)\1(?!`)/y, ([, , code = ""]) => ({ kind: "code", text: code.replaceAll("\n", " ").replace(/^ (.*) $/, "$1") })],
  [/\[([^[\]]{1,1000})\]\(<?([^\s()<>]{1,2000})>?(?:[ \n]{1,100}"[^"]{0,200}")?\)/y, ([, label = "", href = ""], deep) => (harmless(href) ? link(href, inlines(label, deep - 1, false)) : null)],
  [/<((?:https?:\/\/|mailto:)[^\s<>]{1,2000})>/y, ([, href = ""]) => link(href, [words(href.replace(/^mailto:/, ""))])],
  [/https?:\/\/[^\s<>"'()]{0,2000}[^\s<>"'().,;:!?*_]/y, ([href = ""]) => link(href, [words(href)])],
  [/\*\*(?=\S)([^]{0,1000}?[^\s*])\*\*(?!\*)|__(?=\S)([^]{0,1000}?[^\s_])__(?!\w)/y, ([, stars, lines], deep) => ({ kind: "strong", of: inlines(stars ?? lines ?? "", deep - 1) })],
  [/\*(?=[^\s*])([^]{0,1000}?[^\s*])\*(?!\*)|_(?=[^\s_])([^]{0,1000}?[^\s_])_(?!\w)/y, ([, stars, lines], deep) => ({ kind: "em", of: inlines(stars ?? lines ?? "", deep - 1) })],
];

/** `links`: whether there may be some; a link has none inside. */
export function inlines(text: string, deep = DEEP, links = true): Inline[] {
  const found: Inline[] = [];
  const say = (more: string) => {
    const last = found.at(-1);
    if (last?.kind === "text") last.text += more;
    else if (more !== "") found.push(words(more));
  };
  let from = 0;
  for (let match = at(BEGIN, text, 0); match; match = at(BEGIN, text, from)) {
    say(plain(text.slice(from, match.index)));
    from = match.index;
    const [made, length] = rule(text, from, deep) ?? [text.charAt(from), 1];
    if (typeof made === "string") say(made);
    else if (made.kind === "link" && !links) made.of.forEach((one) => (one.kind === "text" ? say(one.text) : found.push(one)));
    else found.push(made);
    from += length;
  }
  say(plain(text.slice(from)));
  return found;
}
const plain = (text: string) => text.replaceAll("\n", " ");
function at(pattern: RegExp, text: string, from: number): RegExpExecArray | null {
  pattern.lastIndex = from;
  return pattern.exec(text);
}
function rule(text: string, from: number, deep: number): [Inline | string, number] | null {
  if (deep <= 0) return null;
  // An underline within a word is a part of it.
  if (text[from] === "_" && /\w/.test(text.charAt(from - 1))) return null;
  for (const [pattern, make] of RULES) {
    const match = at(pattern, text, from);
    const made = match && make([...match], deep);
    if (match && made !== null) return [made, match[0].length];
  }
  return null;
}

const HEADING = /^ {0,3}(#{1,6})[ \t]+([^]*)$/;
const RULE = /^ {0,3}(?:(?:-[ \t]*){3,}|(?:\*[ \t]*){3,}|(?:_[ \t]*){3,})$/;
const ITEM = /^\s{0,20}(?:([-*+])|(\d{1,9})[.)])[ \t]+([^]*)$/;
const FENCE = /^ {0,3}(```|~~~)/;

/** A heading without the signs that may close it. */
function unclosed(text: string): string {
  const said = text.trim();
  let end = said.length;
  while (said[end - 1] === "#") end -= 1;
  return end === 0 || said[end - 1] === " " ? said.slice(0, end).trimEnd() : said;
}

export function blocks(text: string): Block[] {
  const found: Block[] = [];
  const lines = text.replaceAll("\r\n", "\n").replaceAll("\t", "    ").split("\n");
  const begins = (line: string) => line.trim() === "" || HEADING.test(line) || RULE.test(line) || ITEM.test(line) || FENCE.test(line);
  /** The line and those after it that go on with it. */
  const taken = (first: string, n: number): [string, number] => {
    let end = n + 1;
    while (end < lines.length && !begins(lines[end] ?? "")) end += 1;
    return [[first, ...lines.slice(n + 1, end)].map((line) => line.trimStart()).join("\n").trimEnd(), end];
  };
  for (let n = 0; n < lines.length; ) {
    const line = lines[n] ?? "";
    const [heading, item, fence] = [HEADING.exec(line), RULE.test(line) ? null : ITEM.exec(line), FENCE.exec(line)];
    if (line.trim() === "") n += 1;
    else if (fence) {
      let end = n + 1;
      while (end < lines.length && !lines[end]?.trimStart().startsWith(fence[1] ?? "```")) end += 1;
      found.push({ kind: "code", text: lines.slice(n + 1, end).join("\n") });
      n = end + 1;
    } else if (heading) {
      found.push({ kind: "heading", level: heading[1]?.length ?? 1, of: inlines(unclosed(heading[2] ?? "")) });
      n += 1;
    } else if (item) {
      const ordered = item[2] !== undefined;
      const [said, end] = taken(item[3] ?? "", n);
      const last = found.at(-1);
      if (last?.kind === "list" && last.ordered === ordered) last.items.push(inlines(said));
      else found.push({ kind: "list", ordered, start: Number(item[2] ?? 1), items: [inlines(said)] });
      n = end;
    } else if (RULE.test(line)) {
      found.push({ kind: "rule" });
      n += 1;
    } else {
      const [said, end] = taken(line, n);
      found.push({ kind: "paragraph", of: inlines(said) });
      n = end;
    }
  }
  return found;
}
