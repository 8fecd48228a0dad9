import { queryOf, read, readTagged, send, sendAndRead, type Tagged } from "./http";
import type {
  Cluster,
  ClusterCreate,
  ClusterReplace,
  FleetSummary,
  HistoryItem,
  Page,
  RegisteredCluster,
  Webhook,
} from "./types";

const LARGEST_PAGE = 100;

export interface ClusterQuery {
  page: number;
  page_size: number;
  search?: string | null;
  state?: string | null;
  environment?: string | null;
  cluster_type?: string | null;
  sort?: string | null;
}

export function fetchClusters(query: ClusterQuery, signal: AbortSignal): Promise<Page<Cluster>> {
  return read<Page<Cluster>>(`/api/v1/clusters${queryOf({ ...query })}`, signal);
}

/** All of them, page by page. */
export async function fetchAllClusters(signal: AbortSignal): Promise<Cluster[]> {
  const found: Cluster[] = [];
  for (let page = 1; ; page++) {
    const { items, total_pages } = await fetchClusters({ page, page_size: LARGEST_PAGE, sort: "name" }, signal);
    found.push(...items);
    if (page >= total_pages) return found;
  }
}

export function fetchFleetSummary(signal: AbortSignal): Promise<FleetSummary> {
  return read<FleetSummary>("/api/v1/fleet/summary", signal);
}

export function fetchClusterByName(name: string, signal?: AbortSignal): Promise<Tagged<Cluster>> {
  return readTagged<Cluster>(`/api/v1/clusters/by-name/${encodeURIComponent(name)}`, signal);
}

export function fetchHealthHistory(id: string, page: number, size: number, signal: AbortSignal): Promise<Page<HistoryItem>> {
  return read<Page<HistoryItem>>(`/api/v1/clusters/${id}/health-history${queryOf({ page, page_size: size })}`, signal);
}

export function createCluster(body: ClusterCreate): Promise<RegisteredCluster> {
  return sendAndRead<RegisteredCluster>("/api/v1/clusters", { method: "POST", body });
}

/** Fails with 412 when somebody else changed the cluster since `etag` was read. */
export function replaceCluster(id: string, body: ClusterReplace, etag: string): Promise<Cluster> {
  return sendAndRead<Cluster>(`/api/v1/clusters/${id}`, { method: "PUT", body, headers: { "If-Match": etag } });
}

export function deleteCluster(id: string): Promise<void> {
  return send(`/api/v1/clusters/${id}`, { method: "DELETE" });
}

export function refreshCluster(id: string): Promise<void> {
  return send(`/api/v1/clusters/${id}/refresh`, { method: "POST" });
}

/** A new webhook token; the one before stops working. */
export function replaceWebhookToken(id: string): Promise<Webhook> {
  return sendAndRead<Webhook>(`/api/v1/clusters/${id}/webhook-token`, { method: "POST" });
}
