import { describe, expect, it } from "vitest";

import type { Cluster } from "../api/types";
import { lookUp } from "./scope";

const directory = [
  { id: "1", name: "east" },
  { id: "2", name: "west" },
] as Cluster[];

describe("lookUp", () => {
  it("means all when nothing is named, before and after the directory came", () => {
    expect(lookUp([], undefined).ids).toEqual([]);
    expect(lookUp([], directory).ids).toEqual([]);
  });
  it("finds the ids of names, and waits for the directory", () => {
    expect(lookUp(["west"], undefined).ids).toBeUndefined();
    expect(lookUp(["west"], directory).ids).toEqual(["2"]);
  });
  it("tells of names that are not there, and never widens to all because of them", () => {
    expect(lookUp(["gone", "east"], directory)).toMatchObject({ ids: ["1"], unknown: ["gone"] });
    expect(lookUp(["gone"], directory)).toMatchObject({ ids: undefined, unknown: ["gone"] });
  });
});
