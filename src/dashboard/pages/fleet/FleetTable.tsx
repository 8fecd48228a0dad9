import { SortByDirection, Table, Tbody, Td, Th, Thead, Tr, type ThProps } from "@patternfly/react-table";
import type { ReactElement } from "react";
import { Link } from "wouter";

import type { Cluster } from "../../api/types";
import { fromFirstPage, SORTS, useFleetView } from "../../concepts/fleet-view";
import { measured, words } from "../../utilities/formats";
import { useNow } from "../../utilities/now";
import { useHref } from "../../utilities/url-state";
import { LastSeen, StateLabel } from "./ClusterFacts";

const CLOCK_MS = 5_000;

/** What makes a head sort the list, on the hub and over all pages. */
function useSort(): (field: (typeof SORTS)[number]) => NonNullable<ThProps["sort"]> {
  const [{ query }, change] = useFleetView();
  const sort = query.sort ?? "name";
  const sorted = (SORTS as readonly string[]).indexOf(sort.replace(/^-/, ""));
  return (field) => ({
    columnIndex: SORTS.indexOf(field),
    sortBy: { index: sorted, direction: sort.startsWith("-") ? "desc" : "asc" },
    onSort: (_, index, direction) => {
      const name = SORTS[index] ?? "name";
      change(fromFirstPage({ sort: direction === SortByDirection.desc ? `-${name}` : name }));
    },
  });
}

export function FleetTable({ clusters }: { clusters: readonly Cluster[] }): ReactElement {
  const now = useNow(CLOCK_MS);
  const hrefTo = useHref();
  const sort = useSort();
  return (
    <Table aria-labelledby="clusters" variant="compact">
      <Thead>
        <Tr>
          <Th sort={sort("name")}>Name</Th>
          <Th sort={sort("state")}>State</Th>
          <Th>Type</Th>
          <Th>Environment</Th>
          <Th sort={sort("health_score")} modifier="nowrap">Health score</Th>
          <Th sort={sort("last_seen_at")} modifier="nowrap">Last seen</Th>
        </Tr>
      </Thead>
      <Tbody>
        {clusters.map((cluster) => (
          <Tr key={cluster.id}>
            <Td dataLabel="Name">
              <Link href={hrefTo(`/clusters/${cluster.name}`)}>{cluster.name}</Link>
              {cluster.display_name !== cluster.name && <div>{cluster.display_name}</div>}
            </Td>
            <Td dataLabel="State">
              <StateLabel cluster={cluster} />
            </Td>
            <Td dataLabel="Type">{words(cluster.cluster_type)}</Td>
            <Td dataLabel="Environment">{words(cluster.environment)}</Td>
            <Td dataLabel="Health score">{measured(cluster.status.health_score)}</Td>
            <Td dataLabel="Last seen">
              <LastSeen at={cluster.last_seen_at} now={now} />
            </Td>
          </Tr>
        ))}
      </Tbody>
    </Table>
  );
}
