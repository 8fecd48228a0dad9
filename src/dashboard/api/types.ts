// The structs of the public API by their names there. They come from the API's own description (schema.d.ts), but for
// what it leaves open: the samples of an answer pass through the hub as its members sent them.
import type { components } from "./schema";

// Every answer carries all of its fields; only those of a request may be left out.
type Answered<T> = T extends readonly (infer Item)[]
  ? Answered<Item>[]
  : T extends object
    ? { [Key in keyof T]-?: Answered<T[Key]> }
    : T;

type Schemas = components["schemas"];
type Answer<Name extends keyof Schemas> = Answered<Schemas[Name]>;

export interface Page<T> {
  items: T[];
  total: number;
  page: number;
  page_size: number;
  total_pages: number;
}

export type Me = Answer<"Me">;
export type Cluster = Answer<"Cluster">;
export type RegisteredCluster = Answer<"RegisteredCluster">;
export type HistoryItem = Answer<"HistoryItem">;
export type Condition = Answer<"Condition">;
export type Webhook = Answer<"Webhook">;
export type Endpoints = Answer<"Endpoints">;
export type EndpointOptions = Answer<"EndpointOptions">;
export type ClusterCreate = Schemas["ClusterCreate"];
export type ClusterReplace = Schemas["ClusterReplace"];
export type ClusterState = Schemas["State"];
export type ClusterStatus = Answer<"Status">;
export type Alert = Answer<"Alert">;
export type AlertGroup = Answer<"AlertGroup">;
export type AlertSummary = Answer<"AlertSummary">;
export type AlertTransition = Answer<"AlertTransition">;
export type Severity = Answer<"Severity">;
export type AlertState = Answer<"AlertState">;
export type FleetSummary = Answer<"FleetSummary">;
export type DetailedHealth = Answer<"DetailedHealth">;
export type Federation = Answer<"Federation">;
export type FederationCluster = Answer<"ClusterOutcome">;
export type ResultType = NonNullable<Schemas["MetricsView"]["result_type"]>;

export type Sample = [time: number, value: string];

export interface Series {
  metric: Record<string, string>;
  values?: Sample[];
  histograms?: unknown[];
}

export type MetricResult = Omit<Answer<"MetricResultView">, "data"> & { data: Series[] };
export type QueryAnswer = Omit<Answer<"MetricsView">, "results"> & { results: MetricResult[] };
export type Mode = Schemas["Mode"];
export type QueryPlan = Answer<"Explanation">;
export type MetricMetadata = Answer<"MetricMetadata">;
export type AnomalyAnswer = Answer<"AnomalyAnswer">;
export type AnomalyDetection = Answer<"AnomalyDetection">;
export type BaselineSeries = Answer<"BaselineSeries">;
