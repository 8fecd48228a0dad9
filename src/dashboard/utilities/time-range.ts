// A range of time as people say it: relative to now ("now-1h" to "now") or as two fixed instants (ISO 8601).

export interface TimeRange {
  from: string;
  to: string;
}

export interface Resolved {
  start: Date;
  end: Date;
}

export const DEFAULT_RANGE: TimeRange = { from: "now-1h", to: "now" };

export const PRESETS: readonly (readonly [duration: string, label: string])[] = [
  ["15m", "Last 15 minutes"],
  ["1h", "Last hour"],
  ["3h", "Last 3 hours"],
  ["6h", "Last 6 hours"],
  ["12h", "Last 12 hours"],
  ["24h", "Last 24 hours"],
  ["2d", "Last 2 days"],
  ["7d", "Last 7 days"],
  ["30d", "Last 30 days"],
];

const UNIT_MS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 };
const RELATIVE = /^now(?:-((?:\d{1,6}[smhdw])+))?$/;
const ABSOLUTE = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,6})?)?(?:Z|[+-]\d{2}:\d{2})$/;

/** Milliseconds of "1h30m"; null when it is no duration. */
export function durationMs(text: string): number | null {
  const parts = [...text.matchAll(/(\d{1,6})([smhdw])/g)];
  if (parts.length === 0 || parts.map(([whole]) => whole).join("") !== text) return null;
  return parts.reduce((sum, [, number = "", unit = ""]) => sum + Number(number) * (UNIT_MS[unit] ?? Number.NaN), 0);
}

/** The instant that a text means at `now`; null when it means none. */
export function instantOf(text: string, now: Date): Date | null {
  const relative = RELATIVE.exec(text);
  if (relative) return new Date(now.getTime() - (relative[1] === undefined ? 0 : (durationMs(relative[1]) ?? 0)));
  if (!ABSOLUTE.test(text)) return null;
  const at = new Date(text);
  return Number.isNaN(at.getTime()) ? null : at;
}

/** Start and end at `now`; null when a text is no time or the end is not after the start. */
export function resolved({ from, to }: TimeRange, now: Date): Resolved | null {
  const [start, end] = [instantOf(from, now), instantOf(to, now)];
  return start && end && start < end ? { start, end } : null;
}

/** Whether the range moves with the clock. */
export function isRelative({ from, to }: TimeRange): boolean {
  return from.startsWith("now") || to.startsWith("now");
}

/** For the button: "Last hour", or the two instants. */
export function rangeLabel(range: TimeRange): string {
  const preset = PRESETS.find(([duration]) => range.to === "now" && range.from === `now-${duration}`);
  if (preset) return preset[1];
  if (range.to === "now" && range.from.startsWith("now-")) return `Last ${range.from.slice(4)}`;
  return `${side(range.from)} to ${side(range.to)}`;
}

function side(text: string): string {
  const at = text.startsWith("now") ? null : instantOf(text, new Date());
  return at === null ? text : new Intl.DateTimeFormat(undefined, { dateStyle: "short", timeStyle: "short" }).format(at);
}

/** What a `datetime-local` field shows: the local wall clock, to the minute. */
export function toField(at: Date): string {
  const local = new Date(at.getTime() - at.getTimezoneOffset() * 60_000);
  return local.toISOString().slice(0, 16);
}

/** The instant behind a `datetime-local` field; null when it is not filled in. */
export function fromField(value: string): string | null {
  const at = new Date(value);
  return value === "" || Number.isNaN(at.getTime()) ? null : at.toISOString().replace(".000", "");
}
