import { describe, expect, it } from "vitest";

import { ago, compact, lasted, listed, measured, took, words } from "./formats";

const NOW = new Date("2030-01-02T12:00:00Z");

describe("ago", () => {
  it.each([
    ["2030-01-02T11:59:55Z", "5 seconds ago"],
    ["2030-01-02T11:59:00Z", "1 minute ago"],
    ["2030-01-02T11:00:01Z", "59 minutes ago"],
    ["2030-01-02T09:30:00Z", "2 hours ago"],
    ["2029-12-31T12:00:00Z", "2 days ago"],
    ["2030-01-02T12:00:10Z", "just now"],
    ["2030-01-02T12:02:00Z", "in 2 minutes"],
  ])("%s is %s", (iso, text) => {
    expect(ago(iso, NOW)).toBe(text);
  });

  it("says never and unknown instead of a wrong time", () => {
    expect(ago(null, NOW)).toBe("never");
    expect(ago("yesterday-ish", NOW)).toBe("unknown");
  });
});

it("says how long an answer took", () => {
  expect([0.04, 634.2, 999.9, 1634, 27_000].map(took)).toEqual(["0 ms", "634.2 ms", "999.9 ms", "1.6 s", "27 s"]);
});

it("never shows an unmeasured number as zero", () => {
  expect(measured(null)).toBe("not measured");
  expect(measured(0)).toBe("0");
});

it("writes constants and lists as words", () => {
  expect(words("FAR_EDGE")).toBe("Far edge");
  expect(listed(["a", "b", "c"])).toBe("a, b, and c");
});

describe("lasted", () => {
  it.each([
    [0, "0 s"],
    [59, "59 s"],
    [60, "1 min"],
    [3600, "1 h"],
    [7500, "2 h 5 min"],
    [86_400, "1 d"],
    [97_200, "1 d 3 h"],
  ])("%d seconds", (seconds, text) => {
    const from = "2026-01-01T00:00:00Z";
    expect(lasted(from, new Date(Date.parse(from) + seconds * 1000))).toBe(text);
  });
  it("is nothing when the clocks disagree", () => {
    expect(lasted("2026-01-01T00:00:10Z", new Date("2026-01-01T00:00:00Z"))).toBe("0 s");
  });
});

describe("compact", () => {
  it.each([
    [0, "0"],
    [0.00012, "1.20e-4"],
    [0.0123456, "0.01235"],
    [1, "1"],
    [-1500, "-1.5k"],
    [123_456_789, "123.5M"],
    [2e15, "2.00e+15"],
  ])("%d: %s", (value, text) => {
    expect(compact(value)).toBe(text);
  });
});

describe("words", () => {
  it("writes names in their own way", () => {
    expect([words("OPENSHIFT"), words("MICROSHIFT"), words("FAR_EDGE")]).toEqual(["OpenShift", "MicroShift", "Far edge"]);
  });
});
