// What live events mean for what is on the screen: which reads are old now, and what a person is told of.
import type { QueryClient } from "@tanstack/react-query";
import { useSyncExternalStore } from "react";

import { LiveSocket, type LiveEvent, type LiveState } from "../api/live";
import { ME } from "./session";

const REFRESH_MS = 1_000;
const FALLBACK_MS = 15_000;
const LIVE_FALLBACK_MS = 60_000;
const KEPT_NOTICES = 100;

/** Reads, by the first part of their key, that an event makes old. */
export function touchedBy(eventType: string): readonly string[] {
  if (eventType.startsWith("CLUSTER_")) return ["clusters", "fleet"];
  if (eventType.startsWith("ALERT_")) return ["alerts", "fleet"];
  return [];
}

export interface Notice {
  id: string;
  variant: "danger" | "warning" | "success" | "info";
  title: string;
  text: string;
  at: string;
  /** Where to look closer. */
  path: string;
}

const VARIANT_OF_STATE: Readonly<Record<string, Notice["variant"]>> = {
  ONLINE: "success",
  DEGRADED: "warning",
  OFFLINE: "danger",
};

const text = (value: unknown): string => (typeof value === "string" ? value : "");

/** What a person is told of an event; null for those that only change what is shown. */
export function noticeOf({ event_id: id, event_type, cluster_name, timestamp: at, payload }: LiveEvent): Notice | null {
  const cluster = cluster_name ?? text(payload["cluster_name"]);
  const path = `/clusters/${cluster}`;
  if (event_type === "CLUSTER_STATUS_CHANGED") {
    const state = text(payload["new_state"]);
    if (text(payload["old_state"]) === "PROVISIONING" && state === "ONLINE") return null;
    const variant = VARIANT_OF_STATE[state] ?? "info";
    return { id, variant, title: `${cluster} is ${state.toLowerCase()}`, text: text(payload["reason"]), at, path };
  }
  if (event_type === "ALERT_FIRED" || event_type === "ALERT_RESOLVED") {
    const alert = (payload["alert"] ?? {}) as Record<string, unknown>;
    const resolved = event_type === "ALERT_RESOLVED";
    const variant = resolved ? "success" : alert["severity"] === "CRITICAL" ? "danger" : "warning";
    const title = `${text(alert["alertname"])} ${resolved ? "is resolved" : "is firing"} on ${cluster}`;
    return { id, variant, title, text: text(alert["message"]), at, path: `/alerts?alert=${text(alert["id"])}` };
  }
  if (event_type === "CLUSTER_REGISTERED") {
    return { id, variant: "info", title: `${cluster} was registered`, text: "", at, path };
  }
  if (event_type === "CLUSTER_DELETED") {
    return { id, variant: "info", title: `${cluster} was removed`, text: "", at, path: "/" };
  }
  return null;
}

interface Snapshot {
  state: LiveState;
  notices: readonly Notice[];
  unread: number;
}

let snapshot: Snapshot = { state: "connecting", notices: [], unread: 0 };
const watchers = new Set<() => void>();

function publish(changes: Partial<Snapshot>): void {
  snapshot = { ...snapshot, ...changes };
  for (const watcher of watchers) watcher();
}

function subscribe(watcher: () => void): () => void {
  watchers.add(watcher);
  return () => {
    watchers.delete(watcher);
  };
}

export function useLive(): Snapshot {
  return useSyncExternalStore(subscribe, () => snapshot);
}

export function markNoticesRead(): void {
  publish({ unread: 0 });
}

export function clearNotices(): void {
  publish({ notices: [], unread: 0 });
}

/** How often to read again without being told: rarely while the socket tells. */
export function useRefetchMs(): number {
  return useSyncExternalStore(subscribe, () => (snapshot.state === "live" ? LIVE_FALLBACK_MS : FALLBACK_MS));
}

/** Connect the tab's socket with its reads; what it returns ends both. */
export function follow(client: QueryClient): () => void {
  const old = new Set<string>();
  let timer: number | null = null;
  // A storm of alerts is one read a second, not one for each of them.
  const refresh = (): void => {
    timer = null;
    for (const key of old) void client.invalidateQueries({ queryKey: [key] });
    old.clear();
  };
  const live = new LiveSocket({
    onEvent: (event) => {
      for (const key of touchedBy(event.event_type)) old.add(key);
      if (old.size > 0) timer ??= window.setTimeout(refresh, REFRESH_MS);
      const notice = noticeOf(event);
      if (notice) publish({ notices: [notice, ...snapshot.notices].slice(0, KEPT_NOTICES), unread: snapshot.unread + 1 });
    },
    onGap: () => void client.invalidateQueries({ predicate: ({ queryKey }) => queryKey[0] !== "metrics" }),
    onState: (state) => {
      publish({ state });
    },
    onSignedOut: () => void client.invalidateQueries({ queryKey: ME }),
  });
  const check = (): void => {
    if (document.visibilityState === "visible") live.check();
  };
  document.addEventListener("visibilitychange", check);
  window.addEventListener("online", check);
  live.start();
  return () => {
    document.removeEventListener("visibilitychange", check);
    window.removeEventListener("online", check);
    if (timer !== null) window.clearTimeout(timer);
    live.stop();
  };
}
