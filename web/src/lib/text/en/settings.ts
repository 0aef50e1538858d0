export const settings = {
  "settings.title": "My settings", "settings.where": "Kept in this browser, for whoever uses it.", "settings.columns": "Columns of dashboard and charts", "settings.columns.auto": "as there is room", "settings.columns.hint": "A narrow window has one.",
  "settings.language": "Language", "settings.name": "Remembered user name", "settings.name.forget": "Forget", "settings.layout": "Layout", "settings.layout.hint": "Order of lists, columns, days to look back", "settings.layout.reset": "Reset", "settings.layout.done": "All is as at first.",
} as const;
