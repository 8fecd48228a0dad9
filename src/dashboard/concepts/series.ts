// Answers over time as columns for a plot, and what tells their series from each other.
import type { QueryAnswer, Series } from "../api/types";

export interface Grid {
  /** Unix seconds of the first point. */
  start: number;
  step: number;
  points: number;
}

export interface PlotSeries {
  /** What tells it from the others; equal for the same series at each run. */
  key: string;
  label: string;
  metric: Record<string, string>;
  values: (number | null)[];
}

export function gridOf(start: Date, end: Date, stepS: number): Grid {
  return { start: start.getTime() / 1000, step: stepS, points: Math.floor((end.getTime() - start.getTime()) / 1000 / stepS) + 1 };
}

export function timesOf({ start, step, points }: Grid): number[] {
  return Array.from({ length: points }, (_, index) => start + index * step);
}

/** Values on the grid; null where there was no sample, so that a gap stays a gap. NaN and Inf have no place on it. */
export function onGrid({ start, step, points }: Grid, { values = [] }: Series): (number | null)[] {
  const found = new Array<number | null>(points).fill(null);
  for (const [time, text] of values) {
    const index = Math.round((time - start) / step);
    const value = Number(text);
    if (index >= 0 && index < points && Number.isFinite(value)) found[index] = value;
  }
  return found;
}

const text = (name: string, value: string): string => `${name}=${JSON.stringify(value)}`;

/** Labels in PromQL's own notation. */
export function metricText({ __name__: name = "", ...labels }: Record<string, string>): string {
  const matchers = Object.entries(labels)
    .sort(([a], [b]) => a.localeCompare(b))
    .map(([label, value]) => text(label, value));
  if (matchers.length === 0) return name === "" ? "{}" : name;
  return `${name}{${matchers.join(", ")}}`;
}

/** Labels for a legend: what all series share is left out, the cluster comes first. */
export function legendTexts(metrics: readonly Record<string, string>[]): string[] {
  const names = [...new Set(metrics.flatMap((metric) => Object.keys(metric)))].sort();
  const telling = names.filter((name) => new Set(metrics.map((metric) => metric[name])).size > 1);
  return metrics.map((metric) => {
    if (telling.length === 0) return metricText(metric);
    const shown = telling.filter((name) => metric[name] !== undefined && name !== "__name__" && name !== "cluster");
    const parts = [
      ...(telling.includes("cluster") && metric["cluster"] !== undefined ? [metric["cluster"]] : []),
      ...(telling.includes("__name__") && metric["__name__"] !== undefined ? [metric["__name__"]] : []),
      ...shown.map((name) => text(name, metric[name] ?? "")),
    ];
    return parts.length === 0 ? metricText(metric) : parts.join(" ");
  });
}

export function plotSeries(answer: QueryAnswer, grid: Grid): PlotSeries[] {
  const all = answer.results.flatMap(({ data }) => data);
  const labels = legendTexts(all.map(({ metric }) => metric));
  return all.map((series, index) => ({
    key: metricText(series.metric),
    label: labels[index] ?? "",
    metric: series.metric,
    values: onGrid(grid, series),
  }));
}
