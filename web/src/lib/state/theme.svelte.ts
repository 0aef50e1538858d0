// Light, dark, or as the system.
export type Theme = "auto" | "light" | "dark";
const KEY = "strongroom-theme";

class Colours {
  theme = $state<Theme>("auto");
  constructor() {
    const kept = typeof localStorage === "undefined" ? null : localStorage.getItem(KEY);
    if (kept === "light" || kept === "dark") this.set(kept);
  }
  set(theme: Theme): void {
    this.theme = theme;
    localStorage.setItem(KEY, theme);
    if (theme === "auto") delete document.documentElement.dataset["theme"];
    else document.documentElement.dataset["theme"] = theme;
  }
}
export const colours = new Colours();
