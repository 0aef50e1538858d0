// Tests speak English.
import { use } from "../text";
import { catalog } from "./en";

if (typeof document !== "undefined") use("en", catalog);
