// How times and numbers are written: the order of their parts, and short words of units.
export const format = {
  "format.time": "{year}-{month}-{day} {clock}", "format.day": "{month}-{day}", "format.ago": "{text} ago", "format.in": "in {text}", "format.s": "{n} s", "format.min": "{n} min", "format.h": "{n} h", "format.d": "{n} d",
} as const;
