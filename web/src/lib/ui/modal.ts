// What all modal dialogs share, as an attachment of <dialog>: open while in the document, focus back afterwards.
/** Escape asks `cancel`; without one it does nothing, and the dialog closes only when its owner takes it out of the document. */
export function modal(cancel?: () => void): (dialog: HTMLDialogElement) => () => void {
  return (dialog) => {
    // By the time we are called to clean up, the dialog has left the document, and the browser's own memory of the focus with it.
    const before = document.activeElement;
    // jsdom has no modal dialogs.
    if (dialog.showModal) dialog.showModal();
    else dialog.setAttribute("open", "");
    const cancelled = (event: Event) => {
      if (event.target !== dialog) return;
      event.preventDefault();
      cancel?.();
    };
    // Browsers close a dialog at the second Escape even if the first was refused, so the key itself is taken.
    const keys = (event: KeyboardEvent) => {
      if (event.key === "Escape") event.preventDefault();
    };
    dialog.addEventListener("cancel", cancelled);
    if (!cancel) addEventListener("keydown", keys, true);
    return () => {
      dialog.removeEventListener("cancel", cancelled);
      removeEventListener("keydown", keys, true);
      dialog.close?.();
      if (document.activeElement !== null && document.activeElement !== document.body) return;
      const back = before instanceof HTMLElement && before.isConnected ? before : document.querySelector<HTMLElement>("main");
      back?.focus({ preventScroll: true });
    };
  };
}
