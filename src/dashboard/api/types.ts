// The structs of the public API that the dashboard reads. Field names are the contract's.

export interface Page<T> {
  items: T[];
  total: number;
  page: number;
  page_size: number;
  total_pages: number;
}

export interface Me {
  subject: string;
  kind: string;
  role: string;
  permissions: string[];
  expires_at: string | null;
  csrf_token: string | null;
}

export type ClusterState = "ONLINE" | "OFFLINE" | "DEGRADED" | "UNKNOWN" | "PROVISIONING";

export interface ClusterStatus {
  state: ClusterState;
  health_score: number | null;
  last_error: string | null;
}

export interface Cluster {
  id: string;
  name: string;
  display_name: string;
  cluster_type: string;
  platform: string;
  region: string | null;
  environment: string;
  status: ClusterStatus;
  last_seen_at: string | null;
}

export interface FleetSummary {
  total_clusters: number;
  by_state: Partial<Record<ClusterState, number>>;
  avg_health_score: number | null;
  total_node_count: number | null;
  firing_alerts: Record<string, number> | null;
}

export type ResultType = "MATRIX" | "VECTOR" | "SCALAR" | "STRING";

export type Sample = [time: number, value: string];

export interface Series {
  metric: Record<string, string>;
  values?: Sample[];
  histograms?: unknown[];
}

export interface MetricResult {
  cluster_id: string | null;
  cluster_name: string | null;
  status: string;
  result_type: ResultType | null;
  data: Series[];
  error: string | null;
  query_time_ms: number | null;
}

export interface FederationCluster {
  cluster_id: string;
  cluster_name: string;
  status: "SUCCESS" | "ERROR" | "TIMEOUT" | "PARTIAL";
  error: string | null;
  query_time_ms: number | null;
}

export interface QueryAnswer {
  result_type: ResultType | null;
  results: MetricResult[];
  partial: boolean;
  warnings: string[];
  federation: { truncated?: boolean; clusters: FederationCluster[] };
}
