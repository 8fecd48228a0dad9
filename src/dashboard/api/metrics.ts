import { sendAndRead } from "./http";
import type { QueryAnswer } from "./types";

export function runQuery(query: string, csrfToken: string | null, signal: AbortSignal): Promise<QueryAnswer> {
  return sendAndRead<QueryAnswer>("/api/v1/metrics/query", { method: "POST", body: { query }, csrfToken, signal });
}
