// How values are written for people. What was not measured is said, never shown as zero.

export const NOT_MEASURED = "not measured";

const STEPS: readonly (readonly [limit: number, seconds: number, unit: Intl.RelativeTimeFormatUnit])[] = [
  [60, 1, "second"],
  [3600, 60, "minute"],
  [86_400, 3600, "hour"],
  [Infinity, 86_400, "day"],
];

/** "5 minutes ago"; `never` when there is no time. */
export function ago(iso: string | null, now: Date): string {
  if (iso === null) return "never";
  const seconds = Math.round((now.getTime() - Date.parse(iso)) / 1000);
  if (Number.isNaN(seconds)) return "unknown";
  const [, size, unit] = STEPS.find(([limit]) => Math.abs(seconds) < limit) ?? [0, 86_400, "day"];
  return new Intl.RelativeTimeFormat("en", { numeric: "auto" }).format(-Math.trunc(seconds / size), unit);
}

/** A full local time for titles and result rows. */
export function instant(epochSeconds: number): string {
  return new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" }).format(epochSeconds * 1000);
}

/** FAR_EDGE becomes "Far edge". */
export function words(constant: string): string {
  const lower = constant.toLowerCase().replaceAll("_", " ");
  return lower.charAt(0).toUpperCase() + lower.slice(1);
}

/** A number with at most one decimal, or the words for "we do not know". */
export function measured(value: number | null): string {
  return value === null ? NOT_MEASURED : new Intl.NumberFormat(undefined, { maximumFractionDigits: 1 }).format(value);
}

/** Names in a sentence: "a, b and c". */
export function listed(names: readonly string[]): string {
  return new Intl.ListFormat("en", { type: "conjunction" }).format(names);
}
