// The address as state, so that what a person sees can be shared, reloaded and gone back to.
import { useCallback, useMemo } from "react";
import { navigate, usePathname, useSearch } from "wouter/use-browser-location";

export type Changes = Readonly<Record<string, string | null>>;

/** The search part with changes: null and "" remove a parameter, everything else keeps its place. */
export function changedSearch(search: string, changes: Changes): string {
  const parameters = new URLSearchParams(search);
  for (const [name, value] of Object.entries(changes)) {
    if (value === null || value === "") parameters.delete(name);
    else parameters.set(name, value);
  }
  // Colons, commas and slashes read better as they are, and are allowed in a query (RFC 3986, 3.4).
  const text = parameters.toString().replaceAll("%3A", ":").replaceAll("%2C", ",").replaceAll("%2F", "/");
  return text === "" ? "" : `?${text}`;
}

/**
 * The address' parameters and how to change several at once. "push" makes a step that the back button undoes: for
 * decisions; "replace" makes none: for what changes while typing.
 */
export function useParameters(): [URLSearchParams, (changes: Changes, how?: "push" | "replace") => void] {
  const search = useSearch();
  const parameters = useMemo(() => new URLSearchParams(search), [search]);
  const change = useCallback((changes: Changes, how: "push" | "replace" = "push") => {
    const { pathname, search: now, hash } = window.location;
    const next = changedSearch(now, changes);
    if (next !== now) navigate(pathname + next + hash, { replace: how === "replace" });
  }, []);
  return [parameters, change];
}

/** What every page keeps when another one is opened: which clusters, and when. */
export const KEPT = ["clusters", "from", "to"] as const;

/** A link to another page that keeps scope and time range. */
export function useHref(): (path: string, changes?: Changes) => string {
  const search = useSearch();
  return useCallback(
    (path: string, changes: Changes = {}) => {
      const now = new URLSearchParams(search);
      const kept = Object.fromEntries(KEPT.map((name) => [name, now.get(name)]));
      return path + changedSearch("", { ...kept, ...changes });
    },
    [search],
  );
}

export { navigate, usePathname };
