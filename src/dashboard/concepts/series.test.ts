import { describe, expect, it } from "vitest";

import type { QueryAnswer } from "../api/types";
import { gridOf, legendTexts, metricText, onGrid, plotSeries, timesOf } from "./series";

const GRID = gridOf(new Date(0), new Date(40_000), 10);

describe("the grid", () => {
  it("has both ends", () => {
    expect(timesOf(GRID)).toEqual([0, 10, 20, 30, 40]);
  });
  it("keeps gaps, and what is no number is a gap", () => {
    expect(onGrid(GRID, { metric: {}, values: [[0, "1"], [20, "NaN"], [30, "+Inf"], [40, "2.5"], [50, "9"]] })).toEqual([
      1,
      null,
      null,
      null,
      2.5,
    ]);
  });
});

describe("legendTexts", () => {
  it("leaves out what all share", () => {
    expect(
      legendTexts([
        { __name__: "up", cluster: "east", job: "node", instance: "a" },
        { __name__: "up", cluster: "west", job: "node", instance: "b" },
      ]),
    ).toEqual(['east instance="a"', 'west instance="b"']);
  });
  it("names a lone series in full, and one without labels at all", () => {
    expect(legendTexts([{ __name__: "up", job: "node" }])).toEqual(['up{job="node"}']);
    expect(legendTexts([{}])).toEqual(["{}"]);
  });
  it("tells apart a series that lacks a label", () => {
    expect(legendTexts([{ job: "a" }, {}])).toEqual(['job="a"', "{}"]);
  });
});

describe("metricText", () => {
  it("escapes what a value may hold", () => {
    expect(metricText({ __name__: "m", path: 'a"b\\' })).toBe('m{path="a\\"b\\\\"}');
  });
});

describe("plotSeries", () => {
  it("is one column for each series of each cluster", () => {
    const answer = {
      results: [
        { data: [{ metric: { cluster: "east" }, values: [[0, "1"]] }] },
        { data: [{ metric: { cluster: "west" }, values: [[40, "2"]] }] },
      ],
    } as unknown as QueryAnswer;
    expect(plotSeries(answer, GRID).map(({ label, values }) => [label, values[0], values[4]])).toEqual([
      ["east", 1, null],
      ["west", null, 2],
    ]);
  });
});
