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
  // Two clocks are never quite the same, and ours ticks in steps.
  if (seconds < 0 && seconds > -30) return "just now";
  const [, size, unit] = STEPS.find(([limit]) => Math.abs(seconds) < limit) ?? [0, 86_400, "day"];
  return new Intl.RelativeTimeFormat("en", { numeric: "auto" }).format(-Math.trunc(seconds / size), unit);
}

/** A full local time for titles and result rows. */
export function instant(epochSeconds: number): string {
  return new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" }).format(epochSeconds * 1000);
}

// Names that are written in their own way.
const NAMES: Readonly<Record<string, string>> = { OPENSHIFT: "OpenShift", MICROSHIFT: "MicroShift" };

/** FAR_EDGE becomes "Far edge". */
export function words(constant: string): string {
  const name = NAMES[constant];
  if (name !== undefined) return name;
  const lower = constant.toLowerCase().replaceAll("_", " ");
  return lower.charAt(0).toUpperCase() + lower.slice(1);
}

/** A number with at most one decimal, or the words for "we do not know". */
export function measured(value: number | null): string {
  return value === null ? NOT_MEASURED : new Intl.NumberFormat(undefined, { maximumFractionDigits: 1 }).format(value);
}

/** How long an answer took: "634 ms", "1.6 s". */
export function took(milliseconds: number): string {
  return milliseconds < 1000 ? `${measured(milliseconds)} ms` : `${measured(milliseconds / 1000)} s`;
}

/** Names in a sentence: "a, b and c". */
export function listed(names: readonly string[]): string {
  return new Intl.ListFormat("en", { type: "conjunction" }).format(names);
}

/** How long something lasted: "45 s", "3 min", "2 h 5 min", "4 d 3 h". */
export function lasted(fromIso: string, to: Date): string {
  const seconds = Math.max(0, Math.round((to.getTime() - Date.parse(fromIso)) / 1000));
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return minutes % 60 === 0 ? `${hours} h` : `${hours} h ${minutes % 60} min`;
  return hours % 24 === 0 ? `${Math.floor(hours / 24)} d` : `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

const SCALES: readonly (readonly [size: number, suffix: string])[] = [
  [1e12, "T"],
  [1e9, "G"],
  [1e6, "M"],
  [1e3, "k"],
];

/** A value for an axis or a legend: at most four digits, with a suffix of the SI above a thousand. */
export function compact(value: number): string {
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size >= 1e15 || size < 1e-3) return value.toExponential(2);
  const [scale, suffix] = SCALES.find(([least]) => size >= least) ?? [1, ""];
  return `${Number((value / scale).toPrecision(4))}${suffix}`;
}
