// Options that have an editor.
export const PARTS = ["gc-schedule", "verify-new", "maintenance-mode", "notification-mode", "notify", "notification-thresholds", "gc-on-unmount", "tuning"] as const;
export type Part = (typeof PARTS)[number];
