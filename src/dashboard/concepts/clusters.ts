// What the dashboard knows of clusters: how to read them and what their states mean to a person.
import { keepPreviousData, useQuery, type UseQueryResult } from "@tanstack/react-query";

import { fetchClusters, fetchFleetSummary, type ClusterQuery } from "../api/clusters";
import type { Cluster, ClusterState, FleetSummary, Page } from "../api/types";
import { useRefetchMs } from "./live";

export const STATES: readonly ClusterState[] = ["ONLINE", "DEGRADED", "OFFLINE", "UNKNOWN", "PROVISIONING"];

export const ENVIRONMENTS: readonly Cluster["environment"][] = ["PRODUCTION", "STAGING", "DEVELOPMENT", "LAB"];

export const CLUSTER_TYPES: readonly Cluster["cluster_type"][] = ["HUB", "SPOKE", "EDGE", "FAR_EDGE"];

export const PLATFORMS: readonly Cluster["platform"][] = ["OPENSHIFT", "KUBERNETES", "MICROSHIFT"];

export const STATE_STATUS = {
  ONLINE: "success",
  DEGRADED: "warning",
  OFFLINE: "danger",
  UNKNOWN: undefined,
  PROVISIONING: "info",
} as const satisfies Record<ClusterState, "success" | "warning" | "danger" | "info" | undefined>;

export function useClusters(query: ClusterQuery): UseQueryResult<Page<Cluster>> {
  return useQuery({
    queryKey: ["clusters", "page", query],
    queryFn: ({ signal }) => fetchClusters(query, signal),
    placeholderData: keepPreviousData,
    refetchInterval: useRefetchMs(),
  });
}

export function useFleetSummary(): UseQueryResult<FleetSummary> {
  return useQuery({
    queryKey: ["fleet", "summary"],
    queryFn: ({ signal }) => fetchFleetSummary(signal),
    refetchInterval: useRefetchMs(),
  });
}
