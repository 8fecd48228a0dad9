import { describe, expect, it } from "vitest";

import { autoStep, cliCommand, curlCommand, exploreViewOf, spanOf, withQuery } from "./explore";

const NOW = new Date("2026-03-01T12:00:07Z");
const view = (search: string): ReturnType<typeof exploreViewOf> => exploreViewOf(new URLSearchParams(search));

describe("exploreViewOf", () => {
  it("is a range with a step of its own when the address says nothing", () => {
    expect(view("")).toEqual({ query: "", kind: "range", step: "", sensitivity: null, mode: "global" });
  });
  it("reads what the address says, and nothing that it cannot mean", () => {
    expect(view("?query=up&kind=instant&step=30s&anomalies=HIGH&mode=per_cluster")).toEqual({
      query: "up",
      kind: "instant",
      step: "30s",
      sensitivity: "HIGH",
      mode: "per_cluster",
    });
    expect(view("?kind=x&step=fast&anomalies=yes&mode=other")).toEqual(view(""));
  });
});

describe("autoStep", () => {
  it.each([
    [900_000, "5s"],
    [3_600_000, "15s"],
    [21_600_000, "2m"],
    [86_400_000, "10m"],
    [30 * 86_400_000, "6h"],
    [1000 * 86_400_000, "1d"],
  ])("%d ms: %s", (rangeMs, step) => {
    expect(autoStep(rangeMs)).toBe(step);
  });
});

describe("spanOf", () => {
  it("fixes both ends on multiples of the step", () => {
    expect(spanOf(view("?query=up&step=1m"), { from: "now-1h", to: "now" }, ["1"], NOW)).toEqual({
      query: "up",
      cluster_ids: ["1"],
      start_time: "2026-03-01T11:00:00.000Z",
      end_time: "2026-03-01T12:00:00.000Z",
      step: "1m",
    });
  });
  it("is none for a range that is none", () => {
    expect(spanOf(view("?query=up"), { from: "now", to: "now-1h" }, [], NOW)).toBeNull();
  });
});

describe("the same question elsewhere", () => {
  const query = `sum(rate(x{a="it's"}[5m]))`;
  it("is one word for the shell, whatever is in it", () => {
    expect(cliCommand(query, null, ["east"], "global")).toBe(`aiops query 'sum(rate(x{a="it'\\''s"}[5m]))' --cluster east`);
  });
  it("names the range", () => {
    const span = spanOf(view("?query=up&step=1m"), { from: "now-1h", to: "now" }, [], NOW);
    expect(cliCommand("up", span, [], "global")).toBe(
      "aiops query up --start 2026-03-01T11:00:00.000Z --end 2026-03-01T12:00:00.000Z --step 1m",
    );
    expect(curlCommand("https://hub.example", "up", span, [], "global")).toContain("https://hub.example/api/v1/metrics/query_range");
  });
  it("says so when each cluster is asked for itself", () => {
    expect(cliCommand("up", null, [], "per_cluster")).toBe("aiops query up --mode per_cluster");
    expect(curlCommand("https://hub.example", "up", null, [], "per_cluster")).toContain('"mode":"per_cluster"');
    expect(curlCommand("https://hub.example", "up", null, [], "global")).not.toContain("mode");
  });
});

describe("withQuery", () => {
  it("keeps each once, the newest first, and fifty of them", () => {
    expect(withQuery(["a", "b"], "b")).toEqual(["b", "a"]);
    expect(withQuery(Array.from({ length: 60 }, (_, index) => String(index)), "new")).toHaveLength(50);
  });
});
