import { describe, expect, it } from "vitest";

import type { MetricResult, QueryAnswer } from "../api/types";
import { byColumn, failedClusters, missing, otherWarnings, resultRows, seriesText, worstFirst } from "./metrics";

const result = (over: Partial<MetricResult>): MetricResult => ({
  cluster_id: "1",
  cluster_name: "east",
  status: "SUCCESS",
  result_type: "VECTOR",
  data: [],
  error: null,
  query_time_ms: 1,
  ...over,
});

const answer = (over: Partial<QueryAnswer>): QueryAnswer => ({
  result_type: "VECTOR",
  results: [],
  partial: false,
  warnings: [],
  federation: { clusters: [] },
  ...over,
});

describe("a series", () => {
  it("is written as PromQL writes it, without the cluster", () => {
    expect(seriesText({ __name__: "up", job: "node", cluster: "east", a: 'say "hi"' })).toBe('up{a="say \\"hi\\"", job="node"}');
    expect(seriesText({ __name__: "up", cluster: "east" })).toBe("up");
    expect(seriesText({})).toBe("{}");
  });
});

describe("an answer", () => {
  it("has one row for each series, with its cluster", () => {
    const rows = resultRows(
      answer({
        results: [
          result({ data: [{ metric: { __name__: "up" }, values: [[5, "1"]] }] }),
          result({ cluster_name: null, data: [{ metric: { cluster: "west" }, values: [[6, "NaN"]] }] }),
          result({ cluster_name: null, data: [{ metric: {}, values: [[7, "3"]] }] }),
        ],
      }),
    );
    expect(rows.map(({ cluster, value, time }) => [cluster, value, time])).toEqual([
      ["east", "1", 5],
      ["west", "NaN", 6],
      ["all clusters", "3", 7],
    ]);
  });

  it("says what a range, a histogram and nothing are", () => {
    const rows = resultRows(
      answer({
        results: [
          result({
            data: [
              { metric: {}, values: [[1, "1"], [2, "4"]] },
              { metric: {}, histograms: [[1, {}]] },
              { metric: {}, values: [] },
            ],
          }),
        ],
      }),
    );
    expect(rows.map(({ value }) => value)).toEqual(["4 (last of 2 samples)", "native histogram", "no sample"]);
  });

  it("names every cluster that did not answer in full", () => {
    const member = (name: string, status: "SUCCESS" | "ERROR" | "TIMEOUT" | "PARTIAL") => ({
      cluster_id: name,
      cluster_name: name,
      status,
      error: null,
      query_time_ms: null,
    });
    const clusters = [member("a", "SUCCESS"), member("b", "TIMEOUT"), member("c", "ERROR"), member("d", "PARTIAL")];
    expect(failedClusters(answer({ federation: { clusters } })).map(({ cluster_name }) => cluster_name)).toEqual(["b", "c", "d"]);
  });
});

describe("byColumn", () => {
  const rows = [
    { cluster: "b", series: "x", value: "10", time: 1 },
    { cluster: "a", series: "y", value: "9", time: null },
    { cluster: "c", series: "z", value: "1e3", time: 2 },
  ];
  const clusters = (column: "value" | "cluster" | "time", direction: "asc" | "desc"): string =>
    byColumn(rows, column, direction)
      .map(({ cluster }) => cluster)
      .join("");
  it("sorts numbers by size and text by its letters", () => {
    expect(clusters("value", "asc")).toBe("abc");
    expect(clusters("cluster", "desc")).toBe("cba");
  });
  it("puts what has no time last, either way", () => {
    expect(clusters("time", "asc")).toBe("bca");
    expect(clusters("time", "desc")).toBe("cba");
  });
});

describe("who is missing", () => {
  const asked = (statuses: string): QueryAnswer => {
    const clusters = Array.from(statuses).map((status, place) => ({
      cluster_id: String(place),
      cluster_name: `c${place}`,
      status: status === "." ? ("SUCCESS" as const) : status === "p" ? ("PARTIAL" as const) : ("ERROR" as const),
      error: status === "." ? null : "connection refused",
      query_time_ms: place,
    }));
    return answer({ federation: { mode: "global", plan: "union", exact: false, truncated: false, clusters } });
  };
  const names = (clusters: { cluster_name: string }[] | undefined): string[] => (clusters ?? []).map(({ cluster_name }) => cluster_name);

  it("is nobody where all answered", () => {
    expect(missing(asked(".."))).toBeNull();
  });

  it("is named while it is few", () => {
    expect(missing(asked(".xp"))?.title).toBe("Partial answer: c1 and c2 did not answer");
    expect(missing(asked(".pp"))?.title).toBe("Partial answer: c1 and c2 did not answer in full");
    expect(missing(asked(".xp"))?.others).toEqual([]);
  });

  it("is a number in a fleet, with the first of them", () => {
    const many = missing(asked("..xxxxx"));
    expect(many?.title).toBe("Partial answer: 5 of 7 clusters did not answer");
    expect(names(many?.first)).toEqual(["c2", "c3", "c4"]);
    expect(names(many?.others)).toEqual(["c5", "c6"]);
  });

  it("comes first in the list of clusters, and then who took longest", () => {
    expect(names(worstFirst(asked("..x.").federation.clusters))).toEqual(["c2", "c3", "c1", "c0"]);
  });
});

describe("warnings", () => {
  it("are shown once: a cluster that failed is named elsewhere", () => {
    const federation: QueryAnswer["federation"] = {
      mode: "global",
      plan: "union",
      exact: false,
      truncated: false,
      clusters: [
        { cluster_id: "1", cluster_name: "east", status: "SUCCESS", error: null, query_time_ms: 1 },
        { cluster_id: "2", cluster_name: "west", status: "TIMEOUT", error: "no answer within 27 s", query_time_ms: 27_000 },
      ],
    };
    const warnings = ["west: no answer within 27 s", "east: PromQL info: not a counter"];
    expect(otherWarnings(answer({ federation, warnings }))).toEqual(["east: PromQL info: not a counter"]);
  });
});
