// The guide, docs/guide/*.md, as pages for browsers. A link that leads nowhere is an error of the build. Pictures stay in the repository.
import { Marked, type Tokens } from "marked";

export interface Page { name: string; html: string }
/** A page of the guide before it is written: what it is called, and what can be linked to in it. */
interface Known { file: string; name: string; title: string; parts: Set<string>; source: string }

const START = "README.md";
/** Links into it are words only. */
const LEFT_OUT = /^screenshots\//;

const escaped = (text: string): string => text.replace(/[&<>"]/g, (one) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[one] ?? one);
const nameOf = (file: string): string => (file === START ? "index.html" : file.replace(/\.md$/, ".html"));

/** What a heading is called in links, as where the repository is read: several of the same name are numbered. */
export function part(heading: string, taken: Set<string>): string {
  const plain = heading.replace(/[`*]/g, "").toLowerCase().replace(/[^\p{L}\p{N}\s_-]/gu, "").trim().replace(/\s/g, "-");
  let name = plain;
  for (let n = 1; taken.has(name); n += 1) name = `${plain}-${n}`;
  taken.add(name);
  return name;
}

function known(file: string, source: string): Known {
  const parts = new Set<string>();
  let title = file;
  for (const token of new Marked().lexer(source)) {
    if (token.type !== "heading") continue;
    const heading = token as Tokens.Heading;
    part(heading.text, parts);
    if (heading.depth === 1) title = heading.text;
  }
  return { file, name: nameOf(file), title, parts, source };
}

/** Where a link of a page leads; null for what is not among the pages. Throws if it should be there and is not. */
function target(href: string, from: Known, all: Map<string, Known>): string | null {
  if (/^https?:\/\//.test(href)) return href;
  if (LEFT_OUT.test(href)) return null;
  const [file = "", at] = href.split("#", 2);
  const page = file === "" ? from : all.get(file);
  if (!page || (at !== undefined && !page.parts.has(at))) throw new Error(`docs/guide/${from.file}: the link to ${href} leads nowhere`);
  return `${file === "" ? "" : page.name}${at === undefined ? "" : `#${at}`}`;
}

function body(of: Known, all: Map<string, Known>): string {
  const taken = new Set<string>();
  const marked = new Marked({
    renderer: {
      heading({ tokens, depth, text }) {
        return `<h${depth} id="${escaped(part(text, taken))}">${this.parser.parseInline(tokens)}</h${depth}>\n`;
      },
      link({ href, tokens }) {
        const to = target(href, of, all);
        const words = this.parser.parseInline(tokens);
        return to === null ? words : `<a href="${escaped(to)}"${to.startsWith("http") ? ' rel="noopener noreferrer"' : ""}>${words}</a>`;
      },
      image: ({ text }) => escaped(text),
      html: ({ text }) => escaped(text),
    },
  });
  return marked.parse(of.source, { async: false });
}

/** All pages of the guide, from its files by name; none without its start. */
export function pages(files: Record<string, string>): Page[] {
  if (files[START] === undefined) return [];
  const all = new Map(Object.entries(files).map(([file, source]) => [file, known(file, source)]));
  // In the order in which the start names them.
  const order = [...(files[START] ?? "").matchAll(/\]\(([\w-]+\.md)\)/g)].map(([, file = ""]) => file);
  const shown = [START, ...new Set(order)].flatMap((file) => all.get(file) ?? []);
  return [...all.values()].map((page) => ({
    name: page.name,
    html: `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="../icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="guide.css">
<title>${escaped(page.title)} · Strongroom</title>
</head>
<body>
<header><a href="../"><img src="../icon.svg" alt="" width="20" height="20">Strongroom</a></header>
<div class="frame">
<nav aria-label="Guide">${shown.map((one) => `<a href="${one.name}"${one === page ? ' aria-current="page"' : ""}>${escaped(one.title)}</a>`).join("\n")}</nav>
<main>
${body(page, all)}</main>
</div>
</body>
</html>
`,
  }));
}
