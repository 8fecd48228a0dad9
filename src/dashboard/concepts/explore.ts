// What the explore page shows, as its address says it, and the same question for a shell.
import { useQuery, type UseQueryResult } from "@tanstack/react-query";
import { useMemo } from "react";

import { detectAnomalies, fetchPlan, runQuery, runRangeQuery, type Span } from "../api/metrics";
import type { AnomalyAnswer, Mode, QueryAnswer, QueryPlan } from "../api/types";
import { quoted } from "../utilities/shell";
import { durationMs, resolved, type TimeRange } from "../utilities/time-range";
import { useParameters, type Changes } from "../utilities/url-state";
import { gridOf, type Grid } from "./series";

export const SENSITIVITIES = ["LOW", "MEDIUM", "HIGH", "EXTREME"] as const;
export type Sensitivity = (typeof SENSITIVITIES)[number];

/** As many points as a graph of usual width can show. */
const WANTED_POINTS = 240;
const STEPS = ["5s", "10s", "15s", "30s", "1m", "2m", "5m", "10m", "15m", "30m", "1h", "2h", "6h", "12h", "1d"];
const HISTORY_KEY = "aiops:queries";
const HISTORY_LENGTH = 50;

export interface ExploreView {
  query: string;
  kind: "range" | "instant";
  /** A duration; empty means chosen for the range. */
  step: string;
  /** Null: nobody asked for them. */
  sensitivity: Sensitivity | null;
  mode: Mode;
}

export function exploreViewOf(parameters: URLSearchParams): ExploreView {
  const step = parameters.get("step") ?? "";
  return {
    query: parameters.get("query") ?? "",
    kind: parameters.get("kind") === "instant" ? "instant" : "range",
    step: durationMs(step) === null ? "" : step,
    sensitivity: SENSITIVITIES.find((one) => one === parameters.get("anomalies")) ?? null,
    mode: parameters.get("mode") === "per_cluster" ? "per_cluster" : "global",
  };
}

export function useExploreView(): [ExploreView, (changes: Changes, how?: "push" | "replace") => void] {
  const [parameters, change] = useParameters();
  return [useMemo(() => exploreViewOf(parameters), [parameters]), change];
}

/** The finest usual step that keeps a range within what a graph can show. */
export function autoStep(rangeMs: number): string {
  return STEPS.find((step) => rangeMs / (durationMs(step) ?? 1) <= WANTED_POINTS) ?? "1d";
}

export interface Answered {
  answer: QueryAnswer;
  /** Null for a moment. */
  grid: Grid | null;
  span: Span | null;
}

/** The question over a range, with its ends fixed now. */
export function spanOf(view: ExploreView, range: TimeRange, clusterIds: readonly string[], now: Date): Span | null {
  const ends = resolved(range, now);
  if (ends === null) return null;
  const step = view.step === "" ? autoStep(ends.end.getTime() - ends.start.getTime()) : view.step;
  const stepMs = durationMs(step) ?? 1000;
  // On multiples of the step, so that two looks at one range ask for the same points.
  const align = (at: Date): string => new Date(Math.floor(at.getTime() / stepMs) * stepMs).toISOString();
  return { query: view.query, cluster_ids: clusterIds, start_time: align(ends.start), end_time: align(ends.end), step };
}

function gridOfSpan(span: Span): Grid {
  return gridOf(new Date(span.start_time), new Date(span.end_time), (durationMs(span.step) ?? 1000) / 1000);
}

/** Asks when there is a query; `run` tells two presses of the button apart. */
export function useExplore(
  view: ExploreView,
  range: TimeRange,
  clusterIds: readonly string[] | undefined,
  run: number,
): UseQueryResult<Answered> {
  const { query, kind, step, mode } = view;
  return useQuery({
    queryKey: ["metrics", kind, { query, mode, step: kind === "range" ? step : "", range: kind === "range" ? range : null, clusterIds, run }],
    queryFn: async ({ signal }): Promise<Answered> => {
      const ids = clusterIds ?? [];
      const span = kind === "range" ? spanOf(view, range, ids, new Date()) : null;
      if (span === null) return { answer: await runQuery({ query, cluster_ids: ids, mode }, signal), grid: null, span };
      return { answer: await runRangeQuery({ ...span, mode }, signal), grid: gridOfSpan(span), span };
    },
    enabled: query !== "" && clusterIds !== undefined,
    staleTime: Infinity,
    gcTime: 0,
    retry: false,
    refetchOnWindowFocus: false,
  });
}

/** Asks for the plan of an answer once somebody wants to see it. */
export function usePlan(query: string, span: Span | null, clusterIds: readonly string[], wanted: boolean): UseQueryResult<QueryPlan> {
  return useQuery({
    queryKey: ["metrics", "plan", query, span, clusterIds],
    queryFn: ({ signal }) => fetchPlan(span ?? { query, cluster_ids: clusterIds }, signal),
    enabled: wanted,
    staleTime: Infinity,
    gcTime: 0,
    retry: false,
    refetchOnWindowFocus: false,
  });
}

export function useAnomalies(span: Span | null, sensitivity: Sensitivity | null): UseQueryResult<AnomalyAnswer> {
  return useQuery({
    queryKey: ["metrics", "anomalies", span, sensitivity],
    queryFn: ({ signal }) => {
      if (span === null || sensitivity === null) throw new Error("anomalies of nothing were asked for");
      return detectAnomalies({ ...span, sensitivity }, signal);
    },
    enabled: span !== null && sensitivity !== null,
    staleTime: Infinity,
    gcTime: 0,
    retry: false,
    refetchOnWindowFocus: false,
  });
}

/** The same question by the command line. */
export function cliCommand(query: string, span: Span | null, clusters: readonly string[], mode: Mode): string {
  const how = mode === "global" ? [] : ["--mode", mode];
  const range = span === null ? [] : ["--start", span.start_time, "--end", span.end_time, "--step", span.step];
  const words = ["aiops", "query", query, ...range, ...how, ...clusters.flatMap((name) => ["--cluster", name])];
  return words.map(quoted).join(" ");
}

/** The same question by curl, with the token where the command line finds it too. */
export function curlCommand(origin: string, query: string, span: Span | null, clusterIds: readonly string[], mode: Mode): string {
  const body = { ...(span ?? { query, cluster_ids: clusterIds }), ...(mode === "global" ? {} : { mode }) };
  const path = span === null ? "query" : "query_range";
  return [
    `curl -s ${quoted(`${origin}/api/v1/metrics/${path}`)}`,
    `-H "Authorization: Bearer $AIOPS_TOKEN"`,
    `-H 'Content-Type: application/json'`,
    `-d ${quoted(JSON.stringify(body))}`,
  ].join(" \\\n  ");
}

export function readHistory(): string[] {
  try {
    const stored: unknown = JSON.parse(window.localStorage.getItem(HISTORY_KEY) ?? "[]");
    return Array.isArray(stored) ? stored.filter((one): one is string => typeof one === "string") : [];
  } catch {
    return [];
  }
}

/** The newest first, each once. */
export function withQuery(history: readonly string[], query: string): string[] {
  return [query, ...history.filter((one) => one !== query)].slice(0, HISTORY_LENGTH);
}

export function writeHistory(history: readonly string[]): void {
  try {
    window.localStorage.setItem(HISTORY_KEY, JSON.stringify(history));
  } catch {
    // Where storage is switched off there is no history.
  }
}
