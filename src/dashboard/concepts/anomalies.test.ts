import { describe, expect, it } from "vitest";

import type { AnomalyAnswer, AnomalyDetection } from "../api/types";
import { bandOf, keyOf, marksOf, withoutVerdict } from "./anomalies";
import { gridOf, type PlotSeries } from "./series";

const GRID = gridOf(new Date(0), new Date(40_000), 10);
const anomaly = {
  metric_name: "up",
  labels: { cluster: "east" },
  detected_at: "1970-01-01T00:00:10Z",
  ended_at: "1970-01-01T00:00:30Z",
} as unknown as AnomalyDetection;
const series: PlotSeries = { key: 'up{cluster="east"}', label: "", metric: {}, values: [1, 5, null, 6, 1] };

const answer = (expected: (number | null)[]): AnomalyAnswer =>
  ({
    baseline: [
      {
        labels: { __name__: "up", cluster: "east" },
        timestamps: [0, 10, 20, 30, 40],
        expected,
        lower: expected.map((value) => value && value - 1),
        upper: expected.map((value) => value && value + 1),
      },
    ],
  }) as unknown as AnomalyAnswer;

describe("marksOf", () => {
  it("marks every sample of an anomaly, and no gap", () => {
    expect(keyOf(anomaly)).toBe(series.key);
    expect(marksOf([anomaly], [series], GRID)).toEqual([
      { index: 1, value: 5 },
      { index: 3, value: 6 },
    ]);
  });
  it("marks nothing on a series that is not drawn", () => {
    expect(marksOf([anomaly], [], GRID)).toEqual([]);
  });
});

describe("bandOf", () => {
  it("lies on the grid, with nothing where nothing could be said", () => {
    expect(bandOf(answer([null, 2, 2, 2, 2]), series.key, GRID)).toEqual({
      lower: [null, 1, 1, 1, 1],
      upper: [null, 3, 3, 3, 3],
    });
  });
  it("is none of a series without a verdict, or of another one", () => {
    expect(bandOf(answer([null, null, null, null, null]), series.key, GRID)).toBeNull();
    expect(bandOf(answer([1, 1, 1, 1, 1]), "other", GRID)).toBeNull();
    expect(withoutVerdict(answer([null, null, null, null, null]))).toBe(1);
  });
});
