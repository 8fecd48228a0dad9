// A federated answer as rows of a table, and who is missing from it.
import type { FederationCluster, QueryAnswer, Series } from "../api/types";
import { listed } from "../utilities/formats";

export interface ResultRow {
  cluster: string;
  series: string;
  value: string;
  time: number | null;
}

/** Labels in PromQL's own notation, without the cluster, which has its own column. */
export function seriesText(metric: Record<string, string>): string {
  const { __name__: name = "", ...labels } = metric;
  const matchers = Object.entries(labels)
    .filter(([label]) => label !== "cluster")
    .sort(([a], [b]) => a.localeCompare(b))
    .map(([label, value]) => `${label}=${JSON.stringify(value)}`);
  if (matchers.length === 0) return name === "" ? "{}" : name;
  return `${name}{${matchers.join(", ")}}`;
}

function valueText({ values = [], histograms = [] }: Series): string {
  const last = values.at(-1);
  if (last === undefined) return histograms.length > 0 ? "native histogram" : "no sample";
  return values.length > 1 ? `${last[1]} (last of ${values.length} samples)` : last[1];
}

export function resultRows(answer: QueryAnswer): ResultRow[] {
  return answer.results.flatMap(({ cluster_name, data }) =>
    data.map((series) => ({
      cluster: cluster_name ?? series.metric["cluster"] ?? "all clusters",
      series: seriesText(series.metric),
      value: valueText(series),
      time: series.values?.at(-1)?.[0] ?? null,
    })),
  );
}

const failed = ({ status }: FederationCluster): boolean => status !== "SUCCESS";

export function failedClusters(answer: QueryAnswer): FederationCluster[] {
  return answer.federation.clusters.filter(failed);
}

// A fleet has hundreds of clusters: more names than these are a number.
const NAMED = 3;

/** Who is missing from an answer in one line; the first of them, and the others. Null where nobody is. */
export function missing(answer: QueryAnswer): { title: string; first: FederationCluster[]; others: FederationCluster[] } | null {
  const lacking = failedClusters(answer);
  if (lacking.length === 0) return null;
  const who =
    lacking.length <= NAMED
      ? listed(lacking.map(({ cluster_name }) => cluster_name))
      : `${lacking.length} of ${answer.federation.clusters.length} clusters`;
  const inFull = lacking.every(({ status }) => status === "PARTIAL") ? " in full" : "";
  return {
    title: `Partial answer: ${who} did not answer${inFull}`,
    first: lacking.slice(0, NAMED),
    others: lacking.slice(NAMED),
  };
}

/** What failed first, then what took longest. */
export function worstFirst(clusters: readonly FederationCluster[]): FederationCluster[] {
  return [...clusters].sort((a, b) => Number(failed(b)) - Number(failed(a)) || b.query_time_ms - a.query_time_ms);
}

/** Warnings that say something else than that a cluster failed, which `failedClusters` says. */
export function otherWarnings(answer: QueryAnswer): string[] {
  const told = new Set(failedClusters(answer).map(({ cluster_name, error }) => `${cluster_name}: ${error ?? "failed"}`));
  return answer.warnings.filter((warning) => !told.has(warning));
}

export type SortColumn = keyof ResultRow;

/** Numbers by size, everything else as text; what has no time comes last. */
export function byColumn(rows: readonly ResultRow[], column: SortColumn, direction: "asc" | "desc"): ResultRow[] {
  const sign = direction === "asc" ? 1 : -1;
  return [...rows].sort((a, b) => {
    const [one, other] = [a[column], b[column]];
    if (one === null || other === null) return Number(one === null) - Number(other === null);
    const [x, y] = [Number.parseFloat(String(one)), Number.parseFloat(String(other))];
    const order = Number.isNaN(x) || Number.isNaN(y) ? String(one).localeCompare(String(other)) : x - y;
    return sign * order;
  });
}
