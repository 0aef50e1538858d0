// How somebody likes the pages: kept in his browser alone.
const COLUMNS = "strongroom-columns";
/** Orders of lists, by the list. */
const SORT = "strongroom-sort.";
/** What "reset the layout" forgets, besides these orders. */
const DAYS = "strongroom-days";
export const CHOICES = ["auto", "1", "2", "3"] as const;
export type Columns = (typeof CHOICES)[number];
export interface Sort { by: string; down: boolean }

const kept = (key: string): string | null => (typeof localStorage === "undefined" ? null : localStorage.getItem(key));
function keep(key: string, value: string | null): void {
  if (value === null) localStorage.removeItem(key);
  else localStorage.setItem(key, value);
}

class Layout {
  /** Side by side on the dashboard and in summaries, where there is room. */
  columns = $state<Columns>(CHOICES.find((one) => one === kept(COLUMNS)) ?? "auto");
  /** Grows with each reset; who shows something of it begins anew. */
  resets = $state(0);
  setColumns(columns: Columns): void {
    this.columns = columns;
    keep(COLUMNS, columns === "auto" ? null : columns);
  }
  /** The order that was chosen for a list. */
  sort(list: string): Sort | null {
    const text = kept(SORT + list);
    const found = text === null ? null : /^(-?)(.+)$/.exec(text);
    return found?.[2] ? { by: found[2], down: found[1] === "-" } : null;
  }
  setSort(list: string, { by, down }: Sort): void {
    keep(SORT + list, `${down ? "-" : ""}${by}`);
  }
  /** How far the dashboard looks back. */
  get days(): string {
    return kept(DAYS) ?? "30";
  }
  set days(days: string) {
    keep(DAYS, days);
  }
  reset(): void {
    this.setColumns("auto");
    keep(DAYS, null);
    for (const key of Object.keys(localStorage)) if (key.startsWith(SORT)) keep(key, null);
    this.resets += 1;
  }
}
export const layout = new Layout();
