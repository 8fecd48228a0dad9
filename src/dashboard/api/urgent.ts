import { queryOf, read } from "./http";
import type { Alert, Page } from "./types";

/** Critical alerts that fire now, the newest first. */
export function fetchCriticalAlerts(count: number, signal: AbortSignal): Promise<Page<Alert>> {
  const query = { state: "FIRING", severity: "CRITICAL", sort: "-starts_at", page_size: count };
  return read<Page<Alert>>(`/api/v1/alerts${queryOf(query)}`, signal);
}
