// Writes the guide beside the app, as files below docs/. Sources without the guide give an app without it; the server then says where it is.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import type { Plugin } from "vite";
import { pages } from "./pages";

export function guide(folder: URL): Plugin {
  return {
    name: "guide",
    apply: "build",
    generateBundle() {
      if (!existsSync(folder)) return this.warn("docs/guide is not there: the app is built without the guide");
      const files = readdirSync(folder).filter((name) => name.endsWith(".md")).map((name) => [name, readFileSync(new URL(name, folder), "utf8")] as const);
      for (const { name, html } of pages(Object.fromEntries(files))) this.emitFile({ type: "asset", fileName: `docs/${name}`, source: html });
      this.emitFile({ type: "asset", fileName: "docs/guide.css", source: readFileSync(new URL("./guide.css", import.meta.url), "utf8") });
    },
  };
}
