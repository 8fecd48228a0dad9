// What the editor of PromQL completes with: the fleet's own metrics and labels, asked for when they are needed.
import { fetchLabelNames, fetchLabelValues, fetchMetadata, fetchSeries } from "../api/metrics";

/** As many values as a list of proposals is good for. */
const MOST = 2_000;
const KEPT_MS = 60_000;

/** The part of the editor's client that we answer; an error is no proposal, never a broken editor. */
export class FleetCompletion {
  private clusterIds: readonly string[] = [];
  private readonly kept = new Map<string, { at: number; value: Promise<unknown> }>();

  /** Propose what these clusters have; none named means all. */
  within(clusterIds: readonly string[]): void {
    this.clusterIds = clusterIds;
  }

  labelNames(metricName?: string): Promise<string[]> {
    return this.ask(`labels ${metricName ?? ""}`, [], () =>
      fetchLabelNames({ clusterIds: this.clusterIds, match: metricName }),
    );
  }

  labelValues(labelName: string, metricName?: string): Promise<string[]> {
    return this.ask(`values ${labelName} ${metricName ?? ""}`, [], () =>
      fetchLabelValues(labelName, { clusterIds: this.clusterIds, match: metricName, limit: MOST }),
    );
  }

  metricNames(): Promise<string[]> {
    return this.labelValues("__name__");
  }

  metricMetadata(): Promise<Record<string, { type: string; help: string }[]>> {
    return this.ask("metadata", {}, async () => {
      const found: Record<string, { type: string; help: string }[]> = {};
      for (const { metric, type, help } of await fetchMetadata(this.clusterIds)) (found[metric] ??= []).push({ type, help });
      return found;
    });
  }

  series(metricName: string): Promise<Map<string, string>[]> {
    return this.ask(`series ${metricName}`, [], async () => {
      const found = await fetchSeries({ clusterIds: this.clusterIds, match: metricName, limit: MOST });
      return found.map((labels) => new Map(Object.entries(labels)));
    });
  }

  flags(): Promise<Record<string, string>> {
    return Promise.resolve({});
  }

  private ask<T>(key: string, nothing: T, fetch: () => Promise<T>): Promise<T> {
    const whole = `${this.clusterIds.join(",")} ${key}`;
    const known = this.kept.get(whole);
    const now = Date.now();
    if (known && now - known.at < KEPT_MS) return known.value as Promise<T>;
    const value = fetch().catch(() => {
      this.kept.delete(whole);
      return nothing;
    });
    this.kept.set(whole, { at: now, value });
    return value;
  }
}
