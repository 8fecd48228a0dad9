// A federated answer as rows of a table, and who is missing from it.
import { useQuery, type UseQueryResult } from "@tanstack/react-query";

import { runQuery } from "../api/metrics";
import type { FederationCluster, QueryAnswer, Series } from "../api/types";

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

export function failedClusters(answer: QueryAnswer): FederationCluster[] {
  return answer.federation.clusters.filter(({ status }) => status !== "SUCCESS");
}

/** Runs when there is a query; `run` tells two presses of the button on the same text apart. */
export function useMetricsQuery(
  query: string | null,
  run: number,
  clusterIds: readonly string[] | undefined,
): UseQueryResult<QueryAnswer> {
  return useQuery({
    queryKey: ["metrics", "query", { query, run, clusterIds }],
    queryFn: ({ signal }) => runQuery(query ?? "", clusterIds ?? [], signal),
    enabled: query !== null && query !== "" && clusterIds !== undefined,
    staleTime: Infinity,
    gcTime: 0,
    retry: false,
    refetchOnWindowFocus: false,
  });
}
