// Every page: the first words of its path, and the component, loaded when it is first shown. `rest` is what follows in the path.
import type { Component } from "svelte";

export interface PageProps { rest: string[] }
export type Page = Component<PageProps>;
export interface View { path: string; load: () => Promise<{ default: Page }> }

export const views: View[] = [
  { path: "access", load: () => import("./views/access/Access.svelte") },
  { path: "jobs", load: () => import("./views/jobs/Jobs.svelte") },
