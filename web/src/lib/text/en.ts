// English: all areas. Its keys are those of every language.
import { access } from "./en/access";
import { common } from "./en/common";
import { config } from "./en/config";
import { dashboard } from "./en/dashboard";
import { entry } from "./en/entry";
import { firstrun } from "./en/firstrun";
import { format } from "./en/format";
import { jobs } from "./en/jobs";
import { node } from "./en/node";
import { rules } from "./en/rules";
import { search } from "./en/search";
import { settings } from "./en/settings";
import { shell } from "./en/shell";
import { store } from "./en/store";
import { tasks } from "./en/tasks";

export const catalog = { ...access, ...common, ...config, ...dashboard, ...entry, ...firstrun, ...format, ...jobs, ...node, ...rules, ...search, ...settings, ...shell, ...store, ...tasks };
