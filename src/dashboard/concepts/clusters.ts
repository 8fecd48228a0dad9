// What the dashboard knows of clusters: how to read them and what their states mean to a person.
import { keepPreviousData, useQuery, type UseQueryResult } from "@tanstack/react-query";

import { fetchClusters, fetchFleetSummary } from "../api/clusters";
import type { Cluster, ClusterState, FleetSummary, Page } from "../api/types";

const REFRESH_MS = 15_000;

export const STATES: readonly ClusterState[] = ["ONLINE", "DEGRADED", "OFFLINE", "UNKNOWN", "PROVISIONING"];

export const STATE_STATUS = {
  ONLINE: "success",
  DEGRADED: "warning",
  OFFLINE: "danger",
  UNKNOWN: undefined,
  PROVISIONING: "info",
} as const satisfies Record<ClusterState, "success" | "warning" | "danger" | "info" | undefined>;

export function useClusters(page: number, pageSize: number): UseQueryResult<Page<Cluster>> {
  return useQuery({
    queryKey: ["clusters", { page, pageSize }],
    queryFn: ({ signal }) => fetchClusters(page, pageSize, signal),
    placeholderData: keepPreviousData,
    refetchInterval: REFRESH_MS,
  });
}

export function useFleetSummary(): UseQueryResult<FleetSummary> {
  return useQuery({
    queryKey: ["fleet", "summary"],
    queryFn: ({ signal }) => fetchFleetSummary(signal),
    refetchInterval: REFRESH_MS,
  });
}
