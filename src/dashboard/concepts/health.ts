// How the hub itself is.
import { useQuery, type UseQueryResult } from "@tanstack/react-query";

import { fetchDetailedHealth, fetchVersion } from "../api/health";
import type { DetailedHealth } from "../api/types";

export function useDetailedHealth(): UseQueryResult<DetailedHealth> {
  return useQuery({ queryKey: ["health", "detailed"], queryFn: ({ signal }) => fetchDetailedHealth(signal) });
}

export function useVersion(): UseQueryResult<{ version: string; role: string }> {
  return useQuery({ queryKey: ["health", "version"], queryFn: ({ signal }) => fetchVersion(signal) });
}
