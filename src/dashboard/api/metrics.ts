import { queryOf, read, sendAndRead } from "./http";
import type { AnomalyAnswer, MetricMetadata, Mode, QueryAnswer, QueryPlan } from "./types";

const METRICS = "/api/v1/metrics";

export interface Moment {
  query: string;
  cluster_ids: readonly string[];
}

/** Times in ISO 8601, the step as a duration. */
export interface Span extends Moment {
  start_time: string;
  end_time: string;
  step: string;
}

/** What the hub would ask of which cluster; nobody is asked the query. */
export function fetchPlan(body: Moment | Span, signal: AbortSignal): Promise<QueryPlan> {
  return sendAndRead<QueryPlan>(`${METRICS}/plan`, { method: "POST", body, signal });
}

export function runQuery(body: Moment & { mode: Mode }, signal: AbortSignal): Promise<QueryAnswer> {
  return sendAndRead<QueryAnswer>(`${METRICS}/query`, { method: "POST", body, signal });
}

export function runRangeQuery(body: Span & { mode: Mode }, signal: AbortSignal): Promise<QueryAnswer> {
  return sendAndRead<QueryAnswer>(`${METRICS}/query_range`, { method: "POST", body, signal });
}

export function detectAnomalies(body: Span & { sensitivity: string }, signal: AbortSignal): Promise<AnomalyAnswer> {
  return sendAndRead<AnomalyAnswer>("/api/v1/analysis/anomaly", { method: "POST", body, signal });
}

interface Within {
  clusterIds: readonly string[];
  /** A selector that the series must match. */
  match?: string | undefined;
  limit?: number;
}

function filter({ clusterIds, match, limit }: Within): string {
  return queryOf({ cluster_ids: clusterIds, "match[]": match === undefined ? [] : [match], limit: limit ?? null });
}

export async function fetchLabelNames(within: Within): Promise<string[]> {
  return (await read<{ items: string[] }>(`${METRICS}/labels${filter(within)}`)).items;
}

export async function fetchLabelValues(name: string, within: Within): Promise<string[]> {
  return (await read<{ items: string[] }>(`${METRICS}/label/${encodeURIComponent(name)}/values${filter(within)}`)).items;
}

export async function fetchMetadata(clusterIds: readonly string[]): Promise<MetricMetadata[]> {
  return (await read<{ items: MetricMetadata[] }>(`${METRICS}/metadata${filter({ clusterIds })}`)).items;
}

export async function fetchSeries(within: Within): Promise<Record<string, string>[]> {
  return (await read<{ items: Record<string, string>[] }>(`${METRICS}/series${filter(within)}`)).items;
}
