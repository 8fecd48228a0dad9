// One cluster: reading it with its entity tag, and everything that can be done to it.
import { keepPreviousData, useMutation, useQuery, useQueryClient, type UseMutationResult, type UseQueryResult } from "@tanstack/react-query";

import {
  createCluster,
  deleteCluster,
  fetchClusterByName,
  fetchHealthHistory,
  refreshCluster,
  replaceCluster,
  replaceWebhookToken,
} from "../api/clusters";
import { fetchAlerts } from "../api/alerts";
import type { Tagged } from "../api/http";
import type { Alert, Cluster, HistoryItem, Page, RegisteredCluster, Webhook } from "../api/types";
import { createBody, editBody, type Draft } from "./cluster-draft";
import { useRefetchMs } from "./live";

const ALERTS_SHOWN = 10;
export const HISTORY_PAGE = 20;

export function useCluster(name: string): UseQueryResult<Tagged<Cluster>> {
  return useQuery({
    queryKey: ["clusters", "one", name],
    queryFn: ({ signal }) => fetchClusterByName(name, signal),
    refetchInterval: useRefetchMs(),
  });
}

export function useHealthHistory(id: string, page: number): UseQueryResult<Page<HistoryItem>> {
  return useQuery({
    queryKey: ["clusters", "history", id, page],
    queryFn: ({ signal }) => fetchHealthHistory(id, page, HISTORY_PAGE, signal),
    placeholderData: keepPreviousData,
    refetchInterval: useRefetchMs(),
  });
}

export function useFiringAlerts(id: string): UseQueryResult<Page<Alert>> {
  return useQuery({
    queryKey: ["alerts", "of", id],
    queryFn: ({ signal }) =>
      fetchAlerts({ state: ["FIRING"], cluster_ids: [id], sort: "severity", page: 1, page_size: ALERTS_SHOWN }, signal),
    refetchInterval: useRefetchMs(),
  });
}

/** A write after which everything that was read of the fleet is old. */
function useWrite<Input, Output>(write: (input: Input) => Promise<Output>): UseMutationResult<Output, Error, Input> {
  const client = useQueryClient();
  return useMutation({
    mutationFn: write,
    onSuccess: async () => {
      await Promise.all([
        client.invalidateQueries({ queryKey: ["clusters"] }),
        client.invalidateQueries({ queryKey: ["fleet"] }),
      ]);
    },
  });
}

export function useAddCluster(): UseMutationResult<RegisteredCluster, Error, Draft> {
  return useWrite((draft: Draft) => createCluster(createBody(draft)));
}

export interface Edit {
  draft: Draft;
  /** The version that the edit began from, or that the person chose to write over. */
  base: Tagged<Cluster>;
}

export function useEditCluster(): UseMutationResult<Cluster, Error, Edit> {
  return useWrite(({ draft, base }: Edit) =>
    replaceCluster(base.value.id, editBody(draft, base.value), base.etag ?? `"${base.value.version}"`),
  );
}

export function useDeleteCluster(): UseMutationResult<void, Error, string> {
  return useWrite(deleteCluster);
}

export function useRefreshCluster(): UseMutationResult<void, Error, string> {
  return useWrite(refreshCluster);
}

export function useReplaceWebhookToken(): UseMutationResult<Webhook, Error, string> {
  return useMutation({ mutationFn: replaceWebhookToken });
}
