import { describe, expect, it } from "vitest";

import {
  createBody,
  differences,
  emptyDraft,
  fieldOf,
  labelsText,
  parseLabels,
  problemsOf,
  receiverYaml,
  replaceBody,
  type Draft,
} from "./cluster-draft";

const draft = (changes: Partial<Draft> = {}): Draft => ({
  ...emptyDraft(),
  name: "east",
  urls: { ...emptyDraft().urls, prometheus: "https://prometheus.example" },
  ...changes,
});

describe("problemsOf", () => {
  it("finds nothing wrong with a name and an address", () => {
    expect(problemsOf(draft())).toEqual({});
  });
  it.each(["", "a", "ab", "East", "-east", "east-", "e_st", "e".repeat(64)])("refuses the name %j", (name) => {
    expect(problemsOf(draft({ name }))).toHaveProperty("name");
  });
  it("wants at least one address, and addresses that are some", () => {
    expect(problemsOf(draft({ urls: emptyDraft().urls }))).toHaveProperty("prometheus");
    expect(problemsOf(draft({ api_server_url: "http://api.example" }))).toHaveProperty("api_server_url");
    expect(problemsOf(draft({ urls: { ...draft().urls, loki: "loki.example" } }))).toHaveProperty("loki");
  });
  it("names the lines that are no labels", () => {
    expect(problemsOf(draft({ labels: "site=a\nnonsense" }))["labels"]).toContain("nonsense");
  });
});

describe("labels", () => {
  it("go to text and back", () => {
    const labels = { tier: "far", note: "a=b" };
    expect(parseLabels(labelsText(labels))).toEqual({ labels, wrong: [] });
  });
});

describe("bodies", () => {
  it("send null for what is empty, and no credentials that were not given", () => {
    expect(createBody(draft())).toMatchObject({ name: "east", region: null, api_server_url: null });
    expect(createBody(draft())).not.toHaveProperty("credentials");
    expect(createBody(draft({ metrics_token: " secret " }))).toMatchObject({ credentials: { prometheus_token: "secret" } });
  });
  it("send options of addresses that are there and say something", () => {
    const told = { tenant: "a", tls: { ca: null, insecure: false, server_name: null } };
    const plain = { tenant: null, tls: { ca: null, insecure: false, server_name: null } };
    const body = replaceBody(draft({ options: { prometheus: told, loki: told, thanos: plain, api_server: told } }));
    expect(body.endpoints?.options).toEqual({ prometheus: told, api_server: told });
  });
});

describe("fieldOf", () => {
  it.each([
    ["CLUSTER_ALREADY_EXISTS", "there is one", "name"],
    ["INVALID_REQUEST", "endpoints.prometheus_url: must be a URL", "prometheus"],
    ["INVALID_REQUEST", "endpoints.options.loki.tls.ca: not PEM", "loki"],
    ["INVALID_REQUEST", "labels: too many", "labels"],
    ["INVALID_REQUEST", "something else", null],
  ])("%s %s", (code, message, field) => {
    expect(fieldOf(code, message)).toBe(field);
  });
});

describe("differences", () => {
  it("are told field by field", () => {
    expect(differences(draft({ region: "eu" }), draft({ labels: "a=b" }))).toEqual([
      { field: "region", theirs: "eu", mine: "" },
      { field: "labels", theirs: "", mine: "a=b" },
    ]);
    expect(differences(draft(), draft())).toEqual([]);
  });
});

describe("receiverYaml", () => {
  it("is what Alertmanager reads", () => {
    expect(receiverYaml("https://hub/api/v1/alerts/webhook/1", "t")).toContain("        credentials: t");
  });
});
