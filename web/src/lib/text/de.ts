// German: all areas.
import type { Catalog } from "../text";
import { access } from "./de/access";
import { common } from "./de/common";
import { config } from "./de/config";
import { dashboard } from "./de/dashboard";
import { entry } from "./de/entry";
import { firstrun } from "./de/firstrun";
import { format } from "./de/format";
import { jobs } from "./de/jobs";
import { node } from "./de/node";
import { rules } from "./de/rules";
import { search } from "./de/search";
import { settings } from "./de/settings";
import { shell } from "./de/shell";
import { store } from "./de/store";
import { tasks } from "./de/tasks";

export const catalog: Catalog = { ...access, ...common, ...config, ...dashboard, ...entry, ...firstrun, ...format, ...jobs, ...node, ...rules, ...search, ...settings, ...shell, ...store, ...tasks };
