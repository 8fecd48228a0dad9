// Where anomalies and their expected bands lie on a graph.
import type { AnomalyAnswer, AnomalyDetection } from "../api/types";
import { metricText, type Grid, type PlotSeries } from "./series";

function indexOf({ start, step }: Grid, seconds: number): number {
  return Math.round((seconds - start) / step);
}

/** A detection carries its labels without the metric's name. */
export function keyOf({ labels, metric_name }: AnomalyDetection): string {
  return metricText(metric_name === null ? labels : { __name__: metric_name, ...labels });
}

/** The points from the beginning to the end of each anomaly, on the series that are drawn. */
export function marksOf(
  anomalies: readonly AnomalyDetection[],
  drawn: readonly PlotSeries[],
  grid: Grid,
): { index: number; value: number }[] {
  const byKey = new Map(drawn.map((series) => [series.key, series]));
  return anomalies.flatMap((anomaly) => {
    const series = byKey.get(keyOf(anomaly));
    if (series === undefined) return [];
    const first = indexOf(grid, Date.parse(anomaly.detected_at) / 1000);
    const last = indexOf(grid, Date.parse(anomaly.ended_at) / 1000);
    return Array.from({ length: Math.max(0, last - first + 1) }, (_, offset) => first + offset).flatMap((index) => {
      const value = series.values[index];
      return value === null || value === undefined ? [] : [{ index, value }];
    });
  });
}

type Bounds = Record<"lower" | "upper", (number | null)[]>;

/** The band of one series on the grid; null when there is none, or nothing could be said of it. */
export function bandOf({ baseline }: AnomalyAnswer, key: string, grid: Grid): Bounds | null {
  const found = baseline.find(({ labels }) => metricText(labels) === key);
  if (found === undefined || found.expected.every((value) => value === null)) return null;
  const placed: Bounds = { lower: new Array<null>(grid.points).fill(null), upper: new Array<null>(grid.points).fill(null) };
  found.timestamps.forEach((seconds, at) => {
    const index = indexOf(grid, seconds);
    if (index < 0 || index >= grid.points) return;
    placed.lower[index] = found.lower[at] ?? null;
    placed.upper[index] = found.upper[at] ?? null;
  });
  return placed;
}

/** How many series had too little history for a verdict. */
export function withoutVerdict({ baseline }: AnomalyAnswer): number {
  return baseline.filter(({ expected }) => expected.every((value) => value === null)).length;
}
