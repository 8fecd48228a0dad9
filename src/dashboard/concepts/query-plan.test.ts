import { describe, expect, it } from "vitest";

import { askedOf } from "./query-plan";

const names = (count: number): string[] => Array.from({ length: count }, (_, index) => `c${index + 1}`);

describe("askedOf", () => {
  it.each([
    [0, 3, "nobody"],
    [1, 1, "c1"],
    [1, 3, "c1"],
    [2, 2, "both clusters"],
    [2, 3, "c1 and c2"],
    [3, 3, "all 3 clusters"],
    [120, 120, "all 120 clusters"],
    [7, 120, "c1, c2, c3, c4, c5 and 2 more clusters"],
  ])("%d of %d: %s", (asked, answering, words) => {
    expect(askedOf(names(asked), answering)).toBe(words);
  });
});
