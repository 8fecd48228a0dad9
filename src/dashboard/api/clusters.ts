import { queryOf, read } from "./http";
import type { Cluster, FleetSummary, Page } from "./types";

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
