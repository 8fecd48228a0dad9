import { sendAndRead } from "./http";
import type { QueryAnswer } from "./types";

export function runQuery(query: string, clusterIds: readonly string[], signal: AbortSignal): Promise<QueryAnswer> {
  const body = { query, cluster_ids: clusterIds };
  return sendAndRead<QueryAnswer>("/api/v1/metrics/query", { method: "POST", body, signal });
}
