// How the fleet's list is looked at: its filters, order, page and form, all in the address.
import { useMemo } from "react";

import type { ClusterQuery } from "../api/clusters";
import { useParameters, type Changes } from "../utilities/url-state";

export const FILTERS = ["search", "state", "environment", "cluster_type"] as const;
export type FilterName = (typeof FILTERS)[number];
export const PAGE_SIZES = [10, 20, 50, 100];
export const SORTS = ["name", "state", "health_score", "last_seen_at"] as const;
const DEFAULT_SIZE = 20;

export interface FleetView {
  query: ClusterQuery;
  form: "table" | "cards";
  filtered: boolean;
}

/** The view that an address means; what it cannot mean is the default. */
export function viewOf(parameters: URLSearchParams): FleetView {
  const number = (name: string): number => Number.parseInt(parameters.get(name) ?? "", 10);
  const size = number("page_size");
  const page = number("page");
  const sort = parameters.get("sort") ?? "name";
  const query: ClusterQuery = {
    page: page >= 1 ? page : 1,
    page_size: PAGE_SIZES.includes(size) ? size : DEFAULT_SIZE,
    sort: SORTS.some((name) => name === sort.replace(/^-/, "")) ? sort : "name",
  };
  for (const name of FILTERS) query[name] = parameters.get(name);
  return {
    query,
    form: parameters.get("view") === "cards" ? "cards" : "table",
    filtered: FILTERS.some((name) => query[name]),
  };
}

/** A change of what is listed begins at its first page. */
export function fromFirstPage(changes: Changes): Changes {
  return { ...changes, page: null };
}

export function useFleetView(): [FleetView, (changes: Changes, how?: "push" | "replace") => void] {
  const [parameters, change] = useParameters();
  return [useMemo(() => viewOf(parameters), [parameters]), change];
}
