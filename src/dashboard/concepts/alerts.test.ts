import { describe, expect, it } from "vitest";

import { alertQueryOf, alertViewOf, isNarrowed, joinLabels, safeLink, splitLabels, stateParameter } from "./alerts";

const view = (search: string): ReturnType<typeof alertViewOf> => alertViewOf(new URLSearchParams(search));

describe("alertViewOf", () => {
  it("means what fires now, newest first, when the address says nothing", () => {
    expect(view("")).toMatchObject({ state: "FIRING", severity: null, sort: "-starts_at", page: 1, view: "list" });
    expect(isNarrowed(view(""))).toBe(false);
  });
  it("reads everything that the address says", () => {
    const read = view("?state=any&severity=WARNING&namespace=shop&alertname=Slow&label=team=a,tier=b&search=x&sort=severity");
    expect(read).toMatchObject({
      state: null,
      severity: "WARNING",
      namespace: "shop",
      alertname: "Slow",
      labels: ["team=a", "tier=b"],
      search: "x",
      sort: "severity",
    });
    expect(isNarrowed(read)).toBe(true);
  });
  it.each(["?state=BROKEN", "?severity=HUGE", "?sort=fingerprint", "?page=0", "?page_size=3", "?view=map"])(
    "takes the usual for %s",
    (search) => {
      expect(view(search)).toEqual(view(""));
    },
  );
  it("says a state so that it is read again", () => {
    for (const state of ["FIRING", "RESOLVED", null] as const) {
      const said = stateParameter(state);
      expect(view(said === null ? "" : `?state=${said}`).state).toBe(state);
    }
  });
});

describe("labels", () => {
  it.each([["a=b"], ["path=/a,b"], ["pct=100%"], ["odd=%2C"], ["eq=a=b=c"]])("keep %s through the address", (label) => {
    expect(splitLabels(joinLabels([label, "z=1"]) ?? "")).toEqual([label, "z=1"].sort());
  });
  it("are named once, in order, and not at all when there are none", () => {
    expect(joinLabels(["b=1", "a=1", "b=1"])).toBe("a=1,b=1");
    expect(joinLabels([])).toBeNull();
    expect(splitLabels("nothing,=x")).toEqual([]);
  });
});

describe("alertQueryOf", () => {
  it("asks for nothing that was not chosen", () => {
    expect(alertQueryOf(view("?state=any"), ["1"])).toEqual({
      cluster_ids: ["1"],
      namespace: null,
      alertname: null,
      label: [],
      search: null,
    });
  });
});

describe("safeLink", () => {
  it.each(["javascript:alert(1)", "data:text/html,x", "//evil.example", "/internal", "http://", " https://a.example", ""])(
    "makes no link of %j",
    (text) => {
      expect(safeLink(text)).toBeNull();
    },
  );
  it("opens what the web can open", () => {
    expect(safeLink("https://runbooks.example/disk#full")).toBe("https://runbooks.example/disk#full");
    expect(safeLink(null)).toBeNull();
  });
});
