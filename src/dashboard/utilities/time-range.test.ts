import { describe, expect, it } from "vitest";

import { durationMs, fromField, instantOf, rangeLabel, resolved, toField } from "./time-range";

const NOW = new Date("2026-03-01T12:00:00Z");

describe("instantOf", () => {
  it.each([
    ["now", "2026-03-01T12:00:00.000Z"],
    ["now-1h", "2026-03-01T11:00:00.000Z"],
    ["now-1h30m", "2026-03-01T10:30:00.000Z"],
    ["now-7d", "2026-02-22T12:00:00.000Z"],
    ["2026-01-01T00:00:00+01:00", "2025-12-31T23:00:00.000Z"],
  ])("%s", (text, expected) => {
    expect(instantOf(text, NOW)?.toISOString()).toBe(expected);
  });
  it.each(["", "yesterday", "now+1h", "now-", "now-1", "now-1y", "2026-01-01", "2026-01-01T00:00:00", "2026-13-01T00:00:00Z"])(
    "refuses %j",
    (text) => {
      expect(instantOf(text, NOW)).toBeNull();
    },
  );
});

describe("resolved", () => {
  it("gives both ends", () => {
    expect(resolved({ from: "now-1h", to: "now" }, NOW)).toEqual({ start: new Date("2026-03-01T11:00:00Z"), end: NOW });
  });
  it("refuses a range that ends before it starts", () => {
    expect(resolved({ from: "now", to: "now-1h" }, NOW)).toBeNull();
  });
});

describe("rangeLabel", () => {
  it("names what has a name, and says the rest", () => {
    expect(rangeLabel({ from: "now-6h", to: "now" })).toBe("Last 6 hours");
    expect(rangeLabel({ from: "now-90m", to: "now" })).toBe("Last 90m");
    expect(rangeLabel({ from: "now-2h", to: "now-1h" })).toBe("now-2h to now-1h");
  });
});

describe("durations and fields", () => {
  it("adds the parts of a duration and refuses anything else in it", () => {
    expect(durationMs("1d2h")).toBe(93_600_000);
    expect(durationMs("1d 2h")).toBeNull();
    expect(durationMs("")).toBeNull();
  });
  it("keeps an instant through a field, to the minute", () => {
    expect(fromField(toField(NOW))).toBe("2026-03-01T12:00:00Z");
    expect(fromField("")).toBeNull();
  });
});
