import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vitest/config";
import { guide } from "./guide/plugin";

// STRONGROOM_TARGET: the server that `npm run dev` talks to, ours or an original one.
const target = process.env.STRONGROOM_TARGET ?? "https://127.0.0.1:8007";

export default defineConfig(({ mode }) => ({
  plugins: [svelte(), guide(new URL("../docs/guide/", import.meta.url))],
  base: "./",
  // Many small files compress badly: those that are wanted together anyway are joined.
  build: { target: "es2022", modulePreload: { polyfill: false }, assetsInlineLimit: 0, cssCodeSplit: true, rollupOptions: { output: { experimentalMinChunkSize: 20000 } } },
  server: { proxy: { "/api2": { target, secure: false, changeOrigin: true }, "/docs": { target, secure: false, changeOrigin: true } } },
  preview: { proxy: { "/api2": { target, secure: false, changeOrigin: true } } },
  // Components are tested with the browser's build of Svelte.
  ...(mode === "test" ? { resolve: { conditions: ["browser"] } } : {}),
  test: { environment: "jsdom", setupFiles: ["src/lib/text/setup.ts"], include: ["{src,guide}/**/*.test.ts"] },
}));
