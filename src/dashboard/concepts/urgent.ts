// What needs somebody now, over the whole fleet.
import { useQuery, type UseQueryResult } from "@tanstack/react-query";

import { fetchAlerts } from "../api/alerts";
import type { ClusterQuery } from "../api/clusters";
import type { Alert, Cluster, Page } from "../api/types";
import { useClusters } from "./clusters";
import { useRefetchMs } from "./live";

/** As many as a person looks at before they open the list. */
export const URGENT_SHOWN = 5;

export function useCriticalAlerts(): UseQueryResult<Page<Alert>> {
  return useQuery({
    queryKey: ["alerts", "critical"],
    queryFn: ({ signal }) =>
      fetchAlerts({ state: ["FIRING"], severity: ["CRITICAL"], sort: "-starts_at", page: 1, page_size: URGENT_SHOWN }, signal),
    refetchInterval: useRefetchMs(),
  });
}

const inState = (state: string): ClusterQuery => ({ page: 1, page_size: URGENT_SHOWN, state, sort: "name" });

export function useTroubledClusters(): { offline: UseQueryResult<Page<Cluster>>; degraded: UseQueryResult<Page<Cluster>> } {
  return { offline: useClusters(inState("OFFLINE")), degraded: useClusters(inState("DEGRADED")) };
}
