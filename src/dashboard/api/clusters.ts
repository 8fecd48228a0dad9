import { read } from "./http";
import type { Cluster, FleetSummary, Page } from "./types";

export function fetchClusters(page: number, pageSize: number, signal: AbortSignal): Promise<Page<Cluster>> {
  const query = new URLSearchParams({ page: String(page), page_size: String(pageSize) });
  return read<Page<Cluster>>(`/api/v1/clusters?${query.toString()}`, signal);
}

export function fetchFleetSummary(signal: AbortSignal): Promise<FleetSummary> {
  return read<FleetSummary>("/api/v1/fleet/summary", signal);
}
