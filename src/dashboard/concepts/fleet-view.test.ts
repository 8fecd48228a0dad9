import { describe, expect, it } from "vitest";

import { fromFirstPage, viewOf } from "./fleet-view";

const view = (search: string): ReturnType<typeof viewOf> => viewOf(new URLSearchParams(search));

describe("viewOf", () => {
  it("is the first page by name when the address says nothing", () => {
    expect(view("")).toMatchObject({ form: "table", filtered: false, query: { page: 1, page_size: 20, sort: "name" } });
  });
  it("reads filters, order, page and form", () => {
    const { query, form, filtered } = view("?state=OFFLINE&search=ea&sort=-health_score&page=3&page_size=50&view=cards");
    expect(query).toMatchObject({ state: "OFFLINE", search: "ea", sort: "-health_score", page: 3, page_size: 50 });
    expect([form, filtered]).toEqual(["cards", true]);
  });
  it.each(["?page=0", "?page=-1", "?page=x", "?page_size=7", "?sort=secret", "?view=globe"])("ignores %s", (search) => {
    expect(view(search)).toEqual(view(""));
  });
});

describe("fromFirstPage", () => {
  it("leaves the page behind", () => {
    expect(fromFirstPage({ state: "OFFLINE" })).toEqual({ state: "OFFLINE", page: null });
  });
});
