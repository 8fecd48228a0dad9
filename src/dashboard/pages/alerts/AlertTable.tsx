import { Button } from "@patternfly/react-core";
import { SortByDirection, Table, Tbody, Td, Th, Thead, Tr, type ThProps } from "@patternfly/react-table";
import type { ReactElement } from "react";
import { Link } from "wouter";

import type { Alert } from "../../api/types";
import { SORTS, useAlertView } from "../../concepts/alerts";
import { lasted } from "../../utilities/formats";
import { useNow } from "../../utilities/now";
import { useHref } from "../../utilities/url-state";
import { SeverityLabel } from "./SeverityLabel";

const CLOCK_MS = 5_000;

function useSort(): (field: (typeof SORTS)[number]) => NonNullable<ThProps["sort"]> {
  const [{ sort }, change] = useAlertView();
  return (field) => ({
    columnIndex: SORTS.indexOf(field),
    sortBy: {
      index: (SORTS as readonly string[]).indexOf(sort.replace(/^-/, "")),
      direction: sort.startsWith("-") ? "desc" : "asc",
    },
    onSort: (_, index, direction) => {
      const name = SORTS[index] ?? "starts_at";
      change({ sort: direction === SortByDirection.desc ? `-${name}` : name, page: null });
    },
  });
}

interface Props {
  alerts: readonly Alert[];
  onOpen: (id: string, from: HTMLElement) => void;
}

export function AlertTable({ alerts, onOpen }: Props): ReactElement {
  const [view] = useAlertView();
  const now = useNow(CLOCK_MS);
  const hrefTo = useHref();
  const sort = useSort();
  return (
    <Table aria-label="Alerts" variant="compact">
      <Thead>
        <Tr>
          <Th sort={sort("severity")} modifier="nowrap">Severity</Th>
          <Th sort={sort("alertname")}>Alert</Th>
          <Th sort={sort("cluster_name")} modifier="nowrap">Cluster</Th>
          <Th modifier="nowrap">Namespace</Th>
          <Th sort={sort("starts_at")} modifier="nowrap">
            Lasts
          </Th>
        </Tr>
      </Thead>
      <Tbody>
        {alerts.map((alert) => (
          <Tr key={alert.id} isRowSelected={alert.id === view.alert}>
            <Td dataLabel="Severity">
              <SeverityLabel severity={alert.severity} state={alert.state} />
            </Td>
            <Td dataLabel="Alert">
              <Button
                variant="link"
                isInline
                aria-expanded={alert.id === view.alert}
                onClick={({ currentTarget }) => {
                  onOpen(alert.id, currentTarget);
                }}
              >
                {alert.alertname}
              </Button>
              {alert.message !== alert.alertname && <div className="aiops-message">{alert.message}</div>}
            </Td>
            <Td dataLabel="Cluster">
              <Link href={hrefTo(`/clusters/${alert.cluster_name}`)}>{alert.cluster_name}</Link>
            </Td>
            <Td dataLabel="Namespace">{alert.labels["namespace"] ?? "none"}</Td>
            <Td dataLabel="Lasts">
              {lasted(alert.starts_at, alert.ends_at === null || alert.state === "FIRING" ? now : new Date(alert.ends_at))}
            </Td>
          </Tr>
        ))}
      </Tbody>
    </Table>
  );
}
