import { queryOf, read } from "./http";
import type { Alert, AlertGroup, AlertSummary, AlertTransition, Page } from "./types";

const ALERTS = "/api/v1/alerts";

/** What alerts are meant; empty and null mean any. */
export interface AlertQuery {
  state?: readonly string[];
  severity?: readonly string[];
  cluster_ids?: readonly string[];
  namespace?: string | null;
  alertname?: string | null;
  label?: readonly string[];
  search?: string | null;
}

export interface Paged {
  page: number;
  page_size: number;
}

export function fetchAlerts(query: AlertQuery & Paged & { sort?: string }, signal: AbortSignal): Promise<Page<Alert>> {
  return read<Page<Alert>>(ALERTS + queryOf({ ...query }), signal);
}

export function fetchAlertSummary(query: AlertQuery, signal: AbortSignal): Promise<AlertSummary> {
  return read<AlertSummary>(`${ALERTS}/summary${queryOf({ ...query })}`, signal);
}

export function fetchAlertGroups(
  query: AlertQuery & Paged & { by: string },
  signal: AbortSignal,
): Promise<Page<AlertGroup>> {
  return read<Page<AlertGroup>>(`${ALERTS}/groups${queryOf({ ...query })}`, signal);
}

export function fetchAlert(id: string, signal: AbortSignal): Promise<Alert> {
  return read<Alert>(`${ALERTS}/${encodeURIComponent(id)}`, signal);
}

/** Transitions, newest first; `start_time` is ISO 8601. */
export function fetchAlertHistory(
  query: AlertQuery & Paged & { start_time: string },
  signal: AbortSignal,
): Promise<Page<AlertTransition>> {
  return read<Page<AlertTransition>>(`${ALERTS}/history${queryOf({ ...query })}`, signal);
}
