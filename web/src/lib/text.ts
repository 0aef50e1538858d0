// Messages: `t("area.key", { name })`. One catalog file an area under text/en/; another language is a folder beside it.
import { access } from "./text/en/access";
import { common } from "./text/en/common";
import { config } from "./text/en/config";
import { entry } from "./text/en/entry";
import { jobs } from "./text/en/jobs";
import { rules } from "./text/en/rules";
import { search } from "./text/en/search";
import { settings } from "./text/en/settings";
import { shell } from "./text/en/shell";
import { tasks } from "./text/en/tasks";
import { store } from "./text/en/store";
import { dashboard } from "./text/en/dashboard";
import { node } from "./text/en/node";
import { firstrun } from "./text/en/firstrun";

const catalog = { ...access, ...common, ...config, ...entry, ...jobs, ...rules, ...search, ...settings, ...shell, ...tasks, ...store, ...dashboard, ...node, ...firstrun };
export type Key = keyof typeof catalog;

export function t(key: Key, values: Record<string, string | number> = {}): string {
  return catalog[key].replace(/\{(\w+)\}/g, (_, name: string) => String(values[name] ?? `{${name}}`));
}
/** `key.one` or `key.many` with `{n}`. */
export function count(one: Key, many: Key, n: number): string {
  return t(n === 1 ? one : many, { n: n.toLocaleString() });
}
