import { read } from "./http";
import type { DetailedHealth } from "./types";

export function fetchDetailedHealth(signal: AbortSignal): Promise<DetailedHealth> {
  return read<DetailedHealth>("/health/detailed", signal);
}

export function fetchVersion(signal: AbortSignal): Promise<{ version: string; role: string }> {
  return read<{ version: string; role: string }>("/health", signal);
}
