import { describe, expect, it } from "vitest";

import { changedSearch } from "./url-state";

describe("changedSearch", () => {
  it("changes what is named and keeps the rest", () => {
    expect(changedSearch("?page=2&state=FIRING", { page: "3" })).toBe("?page=3&state=FIRING");
  });
  it("removes what becomes null or empty", () => {
    expect(changedSearch("?page=2&state=FIRING", { page: null, state: "" })).toBe("");
  });
  it("leaves lists and times readable, and escapes what could end a value", () => {
    expect(changedSearch("", { clusters: "east,west", from: "2026-01-01T00:00:00Z", query: "a&b=c#d" })).toBe(
      "?clusters=east,west&from=2026-01-01T00:00:00Z&query=a%26b%3Dc%23d",
    );
  });
  it("keeps a plus sign a plus sign", () => {
    expect(new URLSearchParams(changedSearch("", { query: "1+1" })).get("query")).toBe("1+1");
  });
});
