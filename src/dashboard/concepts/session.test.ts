import { describe, expect, it } from "vitest";

import { allows } from "./session";

describe("allows", () => {
  it.each([
    [["*:*"], "clusters:write", true],
    [["*:read"], "clusters:read", true],
    [["*:read"], "clusters:write", false],
    [["alerts:*"], "clusters:write", false],
    [["clusters:write"], "clusters:write", true],
    [[], "clusters:read", false],
  ])("%j for %s: %s", (held, permission, expected) => {
    expect(allows(held, permission)).toBe(expected);
  });
});
