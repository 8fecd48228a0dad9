// What the dashboard knows of alerts: how the address says which are meant, how to read them, and what of them may be
// a link.
import { keepPreviousData, useQuery, type UseQueryResult } from "@tanstack/react-query";
import { useMemo } from "react";

import {
  fetchAlert,
  fetchAlertGroups,
  fetchAlertHistory,
  fetchAlerts,
  fetchAlertSummary,
  type AlertQuery,
} from "../api/alerts";
import type { Alert, AlertGroup, AlertState, AlertSummary, AlertTransition, Page, Severity } from "../api/types";
import { useParameters, type Changes } from "../utilities/url-state";
import { useRefetchMs } from "./live";
import { useScope } from "./scope";

export const STATES: readonly AlertState[] = ["FIRING", "PENDING", "RESOLVED"];
export const SEVERITIES: readonly Severity[] = ["CRITICAL", "WARNING", "INFO"];
export const SEVERITY_STATUS = { CRITICAL: "danger", WARNING: "warning", INFO: "info" } as const satisfies Record<Severity, string>;
export const PAGE_SIZES = [20, 50, 100];
export const SORTS = ["severity", "alertname", "cluster_name", "starts_at"] as const;
export const VIEWS = ["list", "cluster", "name"] as const;
export type AlertViewName = (typeof VIEWS)[number];

const ANY_STATE = "any";
const DEFAULT_SORT = "-starts_at";
const HISTORY_DAYS = 90;
const TIMELINE_SHOWN = 20;
const DAY_MS = 86_400_000;

/** What the address of the alerts page means. */
export interface AlertView {
  /** Null means any. */
  state: AlertState | null;
  severity: Severity | null;
  namespace: string;
  alertname: string;
  labels: readonly string[];
  search: string;
  sort: string;
  page: number;
  pageSize: number;
  view: AlertViewName;
  /** The one that is looked at closely. */
  alert: string | null;
}

function oneOf<T extends string>(text: string | null, values: readonly T[]): T | null {
  return values.find((value) => value === text) ?? null;
}

/** Without a state in the address, what fires now is meant. */
export function alertViewOf(parameters: URLSearchParams): AlertView {
  const number = (name: string): number => Number.parseInt(parameters.get(name) ?? "", 10);
  const sort = parameters.get("sort") ?? DEFAULT_SORT;
  const state = parameters.get("state");
  const page = number("page");
  const size = number("page_size");
  return {
    state: state === ANY_STATE ? null : (oneOf(state, STATES) ?? "FIRING"),
    severity: oneOf(parameters.get("severity"), SEVERITIES),
    namespace: parameters.get("namespace") ?? "",
    alertname: parameters.get("alertname") ?? "",
    labels: splitLabels(parameters.get("label") ?? ""),
    search: parameters.get("search") ?? "",
    sort: oneOf(sort.replace(/^-/, ""), SORTS) ? sort : DEFAULT_SORT,
    page: page >= 1 ? page : 1,
    pageSize: PAGE_SIZES.includes(size) ? size : (PAGE_SIZES[0] ?? 20),
    view: oneOf(parameters.get("view"), VIEWS) ?? "list",
    alert: parameters.get("alert"),
  };
}

/** How the address says a state; the usual one is not said. */
export function stateParameter(state: AlertState | null): string | null {
  return state === null ? ANY_STATE : state === "FIRING" ? null : state;
}

// Labels lie in one parameter, `a=b` after `a=b`, each escaped so that a comma in a value stays in it.
export function splitLabels(text: string): string[] {
  return text
    .split(",")
    .map((part) => part.replaceAll("%2C", ",").replaceAll("%25", "%"))
    .filter((part) => part.indexOf("=") > 0);
}

export function joinLabels(labels: readonly string[]): string | null {
  const unique = [...new Set(labels)].sort();
  return unique.length === 0 ? null : unique.map((one) => one.replaceAll("%", "%25").replaceAll(",", "%2C")).join(",");
}

/** Whether anything but what is usual narrows the list. */
export function isNarrowed(view: AlertView): boolean {
  return (
    view.state !== "FIRING" ||
    view.severity !== null ||
    [view.namespace, view.alertname, view.search].some((text) => text !== "") ||
    view.labels.length > 0
  );
}

export const NO_FILTERS: Changes = {
  state: null,
  severity: null,
  namespace: null,
  alertname: null,
  label: null,
  search: null,
  page: null,
};

/** The API's filters for a view within a scope. */
export function alertQueryOf(view: AlertView, clusterIds: readonly string[]): AlertQuery {
  const { state, severity, namespace, alertname, labels, search } = view;
  return {
    ...(state && { state: [state] }),
    ...(severity && { severity: [severity] }),
    cluster_ids: clusterIds,
    namespace: namespace === "" ? null : namespace,
    alertname: alertname === "" ? null : alertname,
    label: labels,
    search: search === "" ? null : search,
  };
}

/** A text that may be opened: alerts come from clusters, and only the web's own addresses are links. */
export function safeLink(text: string | null): string | null {
  if (text === null || !/^https?:\/\//i.test(text)) return null;
  return URL.canParse(text) ? text : null;
}

export function useAlertView(): [AlertView, (changes: Changes, how?: "push" | "replace") => void] {
  const [parameters, change] = useParameters();
  return [useMemo(() => alertViewOf(parameters), [parameters]), change];
}

interface Reads {
  alerts: UseQueryResult<Page<Alert>>;
  groups: UseQueryResult<Page<AlertGroup>>;
  /** Counts without the filter by severity, which chooses among them. */
  summary: UseQueryResult<AlertSummary>;
}

export function useAlerts(view: AlertView): Reads {
  const [{ ids }] = useScope();
  const refetchInterval = useRefetchMs();
  const query = alertQueryOf(view, ids ?? []);
  const paged = { ...query, page: view.page, page_size: view.pageSize };
  const common = { refetchInterval, placeholderData: keepPreviousData };
  const by = view.view === "cluster" ? "cluster" : "alertname";
  const counted = alertQueryOf({ ...view, severity: null }, ids ?? []);
  return {
    alerts: useQuery({
      ...common,
      queryKey: ["alerts", "page", paged, view.sort],
      queryFn: ({ signal }) => fetchAlerts({ ...paged, sort: view.sort }, signal),
      enabled: ids !== undefined && view.view === "list",
    }),
    groups: useQuery({
      ...common,
      queryKey: ["alerts", "groups", paged, by],
      queryFn: ({ signal }) => fetchAlertGroups({ ...paged, by }, signal),
      enabled: ids !== undefined && view.view !== "list",
    }),
    summary: useQuery({
      ...common,
      queryKey: ["alerts", "summary", counted],
      queryFn: ({ signal }) => fetchAlertSummary(counted, signal),
      enabled: ids !== undefined,
    }),
  };
}

export function useAlert(id: string): UseQueryResult<Alert> {
  return useQuery({ queryKey: ["alerts", "one", id], queryFn: ({ signal }) => fetchAlert(id, signal) });
}

/** What happened to one alert, newest first: its transitions are those with its name and all of its labels. */
export function useTimeline(alert: Alert): UseQueryResult<Page<AlertTransition>> {
  const { id, alertname, cluster_id, labels } = alert;
  return useQuery({
    queryKey: ["alerts", "timeline", id],
    queryFn: ({ signal }) =>
      fetchAlertHistory(
        {
          alertname,
          cluster_ids: [cluster_id],
          label: Object.entries(labels).map(([name, value]) => `${name}=${value}`),
          start_time: new Date(Date.now() - HISTORY_DAYS * DAY_MS).toISOString(),
          page: 1,
          page_size: TIMELINE_SHOWN,
        },
        signal,
      ),
  });
}
