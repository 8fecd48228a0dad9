// Every page of the dashboard, once: its path, where the navigation shows it, and what of the masthead it uses. A page
// is its own file of the build, read when it is first opened.
import { lazy, type LazyExoticComponent, type ReactElement } from "react";

export type PageComponent = LazyExoticComponent<() => ReactElement>;

export interface PageRoute {
  /** As the router matches it: `:name` takes one part of a path. */
  path: string;
  component: PageComponent;
  /** Shown in the navigation, under this job; pages without are reached through others. */
  nav?: { label: string; job: Job };
  usesScope?: boolean;
  usesTime?: boolean;
}

export type Job = "Observe" | "Investigate";

export const JOBS: readonly Job[] = ["Observe", "Investigate"];

export const ROUTES: readonly PageRoute[] = [
  {
    path: "/",
    component: lazy(async () => ({ default: (await import("./fleet/FleetPage")).FleetPage })),
    nav: { label: "Fleet", job: "Observe" },
  },
  {
    path: "/clusters/:name",
    component: lazy(async () => ({ default: (await import("./clusters/ClusterPage")).ClusterPage })),
  },
  {
    path: "/alerts",
    component: lazy(async () => ({ default: (await import("./alerts/AlertsPage")).AlertsPage })),
    nav: { label: "Alerts", job: "Observe" },
    usesScope: true,
  },
  {
    path: "/explore",
    component: lazy(async () => ({ default: (await import("./explore/ExplorePage")).ExplorePage })),
    nav: { label: "Explore metrics", job: "Investigate" },
    usesScope: true,
    usesTime: true,
  },
];

export const NOT_FOUND: PageComponent = lazy(async () => ({ default: (await import("./NotFoundPage")).NotFoundPage }));
