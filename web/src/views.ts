// Every page: the first words of its path, and the component, loaded when it is first shown. `rest` is what follows in the path.
import type { Component } from "svelte";

export interface PageProps { rest: string[] }
export type Page = Component<PageProps>;
export interface View { path: string; load: () => Promise<{ default: Page }> }

export const views: View[] = [
  { path: "first-run", load: () => import("./views/first-run/FirstRun.svelte") },
  { path: "node", load: () => import("./views/node/Node.svelte") },
  { path: "dashboard", load: () => import("./views/dashboard/Dashboard.svelte") },
  { path: "store", load: () => import("./views/store/Store.svelte") },
  { path: "stores", load: () => import("./views/stores/Stores.svelte") },
  { path: "access", load: () => import("./views/access/Access.svelte") },
  { path: "config", load: () => import("./views/config/Config.svelte") },
  { path: "jobs", load: () => import("./views/jobs/Jobs.svelte") },
  { path: "tasks", load: () => import("./views/tasks/Tasks.svelte") },
];

export function find(path: string[]): { view: View; rest: string[] } | null {
  const full = path.join("/");
  const found = views.filter((view) => full === view.path || full.startsWith(`${view.path}/`)).toSorted((a, b) => b.path.length - a.path.length)[0];
  return found ? { view: found, rest: path.slice(found.path.split("/").length) } : null;
}
