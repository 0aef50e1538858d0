// The parts of a datastore's page. Those without a text are reached from others (`of`).
import type { Component } from "svelte";
import type { Key } from "../../lib/text";

interface Tab { id: string; text?: Key; of?: string; load: () => Promise<{ default: Component<{ store: string; rest: string[] }> }> }

export const tabs: Tab[] = [
  { id: "summary", text: "store.tab.summary", load: () => import("./summary/Summary.svelte") },
  { id: "content", text: "store.tab.content", load: () => import("./content/Content.svelte") },
  { id: "search", text: "store.tab.search", load: () => import("./search/Search.svelte") },
  { id: "jobs", text: "store.tab.jobs", load: () => import("./jobs/Jobs.svelte") },
  { id: "options", text: "store.tab.options", load: () => import("./options/Options.svelte") },
  { id: "permissions", text: "store.tab.permissions", load: () => import("./options/Permissions.svelte") },
  { id: "timeline", of: "content", load: () => import("./timeline/Timeline.svelte") },
  { id: "files", of: "content", load: () => import("./files/Files.svelte") },
];
