// Which clusters the page is about: names in the address, kept from page to page; none named means all.
import { useQuery, type UseQueryResult } from "@tanstack/react-query";
import { useCallback, useMemo } from "react";

import { fetchAllClusters } from "../api/clusters";
import type { Cluster } from "../api/types";
import { useParameters } from "../utilities/url-state";

/** Every cluster that the caller may see, by name. */
export function useDirectory(): UseQueryResult<Cluster[]> {
  return useQuery({
    queryKey: ["clusters", "directory"],
    queryFn: ({ signal }) => fetchAllClusters(signal),
    staleTime: 60_000,
  });
}

export interface Scope {
  /** The names in the address; empty means all. */
  names: readonly string[];
  /** Their ids; empty means all. Undefined until the names could be looked up. */
  ids: readonly string[] | undefined;
  /** Names in the address that the caller has no cluster for. */
  unknown: readonly string[];
}

/** Look names up; those without a cluster are told, and are never taken for "all". */
export function lookUp(names: readonly string[], directory: readonly Cluster[] | undefined): Scope {
  if (names.length === 0) return { names, ids: [], unknown: [] };
  if (directory === undefined) return { names, ids: undefined, unknown: [] };
  const ids = new Map(directory.map(({ name, id }) => [name, id]));
  const unknown = names.filter((name) => !ids.has(name));
  const known = names.flatMap((name) => ids.get(name) ?? []);
  return { names, ids: known.length > 0 ? known : undefined, unknown };
}

export function useScope(): [Scope, (names: readonly string[]) => void] {
  const [parameters, change] = useParameters();
  const directory = useDirectory();
  const text = parameters.get("clusters") ?? "";
  const scope = useMemo(
    () => lookUp([...new Set(text.split(",").filter((name) => name !== ""))], directory.data),
    [text, directory.data],
  );
  const set = useCallback(
    (names: readonly string[]) => {
      change({ clusters: [...names].sort().join(","), page: null });
    },
    [change],
  );
  return [scope, set];
}
