// Options that have an editor.
export type Part = "gc-schedule" | "verify-new" | "maintenance-mode" | "notification-mode" | "tuning";
