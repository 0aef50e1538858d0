// Short messages at the edge of the screen, e.g. that a task was started.
export interface Toast { id: number; text: string; kind: "info" | "error"; href?: string }

class Toasts {
  list = $state.raw<Toast[]>([]);
  #next = 0;
  show(text: string, options: { kind?: "info" | "error"; href?: string } = {}): void {
    const toast: Toast = { id: this.#next++, text, kind: options.kind ?? "info", href: options.href };
    this.list = [...this.list.slice(-3), toast];
    setTimeout(() => this.drop(toast.id), toast.kind === "error" ? 12_000 : 6_000);
  }
  drop(id: number): void {
    this.list = this.list.filter((toast) => toast.id !== id);
  }
}
export const toasts = new Toasts();
