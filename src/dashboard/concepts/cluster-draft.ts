// A cluster while a person writes it: every field as text, what is wrong with it, and what another's version differs in.
import type { Cluster, ClusterCreate, ClusterReplace, EndpointOptions } from "../api/types";

export const ENDPOINTS = ["prometheus", "thanos", "alertmanager", "tempo", "loki"] as const;
export type EndpointName = (typeof ENDPOINTS)[number];

export interface Draft {
  name: string;
  display_name: string;
  cluster_type: Cluster["cluster_type"];
  platform: Cluster["platform"];
  environment: Cluster["environment"];
  region: string;
  /** One `key=value` a line. */
  labels: string;
  api_server_url: string;
  urls: Record<EndpointName, string>;
  /** TLS and tenant by kind of endpoint. */
  options: Record<string, EndpointOptions>;
  /** A bearer token for the metrics endpoint; written, never read back. */
  metrics_token: string;
}

const NAME = /^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$/;
const FIELD_OF_URL = /^endpoints\.([a-z]+)_url$/;
const PLAIN_OPTIONS: EndpointOptions = { tenant: null, tls: { ca: null, insecure: false, server_name: null } };

export function emptyDraft(): Draft {
  return {
    name: "",
    display_name: "",
    cluster_type: "SPOKE",
    platform: "OPENSHIFT",
    environment: "PRODUCTION",
    region: "",
    labels: "",
    api_server_url: "",
    urls: { prometheus: "", thanos: "", alertmanager: "", tempo: "", loki: "" },
    options: {},
    metrics_token: "",
  };
}

export function draftOf(cluster: Cluster): Draft {
  const { endpoints } = cluster;
  return {
    name: cluster.name,
    display_name: cluster.display_name,
    cluster_type: cluster.cluster_type,
    platform: cluster.platform,
    environment: cluster.environment,
    region: cluster.region ?? "",
    labels: labelsText(cluster.labels),
    api_server_url: cluster.api_server_url ?? "",
    urls: {
      prometheus: endpoints.prometheus_url ?? "",
      thanos: endpoints.thanos_url ?? "",
      alertmanager: endpoints.alertmanager_url ?? "",
      tempo: endpoints.tempo_url ?? "",
      loki: endpoints.loki_url ?? "",
    },
    options: endpoints.options,
    metrics_token: "",
  };
}

export function labelsText(labels: Readonly<Record<string, string>>): string {
  return Object.entries(labels)
    .sort(([a], [b]) => a.localeCompare(b))
    .map(([name, value]) => `${name}=${value}`)
    .join("\n");
}

/** The labels of a text; a line without `=` is told, not guessed. */
export function parseLabels(text: string): { labels: Record<string, string>; wrong: string[] } {
  const labels: Record<string, string> = {};
  const wrong: string[] = [];
  for (const line of text.split("\n").map((one) => one.trim())) {
    if (line === "") continue;
    const at = line.indexOf("=");
    if (at < 1) wrong.push(line);
    else labels[line.slice(0, at).trim()] = line.slice(at + 1).trim();
  }
  return { labels, wrong };
}

/** What is wrong, by field, as far as it can be told here; the hub has the last word. */
export function problemsOf(draft: Draft): Partial<Record<string, string>> {
  const found: Partial<Record<string, string>> = {};
  if (!NAME.test(draft.name)) {
    found["name"] = "3 to 63 lower-case letters, digits and dashes, without a dash at either end.";
  }
  const { wrong } = parseLabels(draft.labels);
  if (wrong.length > 0) found["labels"] = `Write key=value on each line; this is not: ${wrong.join(", ")}`;
  const addresses = [draft.api_server_url, ...Object.values(draft.urls)];
  if (addresses.every((url) => url.trim() === "")) {
    found["prometheus"] = "Give at least one address: of Prometheus, of another endpoint or of the API server.";
  }
  if (draft.api_server_url !== "" && !isUrl(draft.api_server_url, ["https:"])) {
    found["api_server_url"] = "An address that begins with https://";
  }
  for (const endpoint of ENDPOINTS) {
    const url = draft.urls[endpoint].trim();
    if (url !== "" && !isUrl(url, ["http:", "https:"])) found[endpoint] = "An address that begins with https:// or http://";
  }
  return found;
}

function isUrl(text: string, schemes: readonly string[]): boolean {
  return URL.canParse(text) && schemes.includes(new URL(text).protocol);
}

/** The field of a form that an error of the API is about; null when it is about none. */
export function fieldOf(code: string, message: string): string | null {
  if (code === "INVALID_CLUSTER_NAME" || code === "CLUSTER_ALREADY_EXISTS") return "name";
  const path = message.split(":", 1)[0] ?? "";
  const endpoint = FIELD_OF_URL.exec(path)?.[1];
  if (endpoint !== undefined) return endpoint;
  const option = path.split(".");
  if (option[0] === "endpoints" && option[1] === "options") return option[2] ?? null;
  return ["display_name", "region", "labels", "api_server_url", "platform"].find((name) => name === path) ?? null;
}

const orNull = (text: string): string | null => (text.trim() === "" ? null : text.trim());

/** Options that say nothing, or belong to no address any more, are not sent. */
function keptOptions(draft: Draft): Record<string, EndpointOptions> {
  const plain = JSON.stringify(PLAIN_OPTIONS);
  return Object.fromEntries(
    Object.entries(draft.options).filter(([kind, options]) => {
      const url = ENDPOINTS.find((one) => one === kind);
      return (url === undefined || draft.urls[url].trim() !== "") && JSON.stringify(options) !== plain;
    }),
  );
}

export function optionsOf(draft: Draft, kind: EndpointName): EndpointOptions {
  return draft.options[kind] ?? PLAIN_OPTIONS;
}

export function replaceBody(draft: Draft): ClusterReplace {
  return {
    display_name: orNull(draft.display_name),
    cluster_type: draft.cluster_type,
    platform: draft.platform,
    environment: draft.environment,
    region: orNull(draft.region),
    labels: parseLabels(draft.labels).labels,
    api_server_url: orNull(draft.api_server_url),
    endpoints: {
      prometheus_url: orNull(draft.urls.prometheus),
      thanos_url: orNull(draft.urls.thanos),
      alertmanager_url: orNull(draft.urls.alertmanager),
      tempo_url: orNull(draft.urls.tempo),
      loki_url: orNull(draft.urls.loki),
      options: keptOptions(draft),
    },
  };
}

/** `before` holds what a form does not show, such as the platform's version: a replacement keeps it. */
export function editBody(draft: Draft, before: Cluster): ClusterReplace {
  return { ...replaceBody(draft), platform_version: before.platform_version };
}

export function createBody(draft: Draft): ClusterCreate {
  const token = orNull(draft.metrics_token);
  return {
    ...replaceBody(draft),
    name: draft.name,
    ...(token !== null && { credentials: { auth_type: "SERVICE_ACCOUNT", prometheus_token: token } }),
  };
}

export interface Difference {
  field: string;
  theirs: string;
  mine: string;
}

/** Where two versions differ, for the person who must choose between them. */
export function differences(theirs: Draft, mine: Draft): Difference[] {
  const flat = (draft: Draft): Record<string, string> => ({
    "display name": draft.display_name,
    type: draft.cluster_type,
    platform: draft.platform,
    environment: draft.environment,
    region: draft.region,
    labels: draft.labels.trim(),
    "API server": draft.api_server_url,
    ...Object.fromEntries(ENDPOINTS.map((name) => [name, draft.urls[name]])),
    "TLS and tenants": JSON.stringify(keptOptions(draft)),
  });
  const [a, b] = [flat(theirs), flat(mine)];
  return Object.keys(a).flatMap((field) => {
    const [one, other] = [a[field] ?? "", b[field] ?? ""];
    return one === other ? [] : [{ field, theirs: one, mine: other }];
  });
}

/** What a cluster's Alertmanager needs in its configuration. */
export function receiverYaml(url: string, token: string): string {
  return [
    "receivers:",
    "- name: aiops-nextgen",
    "  webhook_configs:",
    `  - url: ${url}`,
    "    send_resolved: true",
    "    http_config:",
    "      authorization:",
    "        type: Bearer",
    `        credentials: ${token}`,
  ].join("\n");
}
