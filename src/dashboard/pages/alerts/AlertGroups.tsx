import { Button, Label } from "@patternfly/react-core";
import { Table, Tbody, Td, Th, Thead, Tr } from "@patternfly/react-table";
import type { ReactElement } from "react";

import type { AlertGroup } from "../../api/types";
import { SEVERITY_STATUS, useAlertView } from "../../concepts/alerts";
import { useScope } from "../../concepts/scope";
import { ago, listed, words } from "../../utilities/formats";
import { useNow } from "../../utilities/now";

const CLOCK_MS = 10_000;
const NAMED_CLUSTERS = 3;

function where(group: AlertGroup): string {
  const names = group.clusters.map(({ cluster_name }) => cluster_name);
  const more = names.length - NAMED_CLUSTERS;
  return listed(more > 0 ? [...names.slice(0, NAMED_CLUSTERS), `${more} more`] : names);
}

export function AlertGroups({ groups }: { groups: readonly AlertGroup[] }): ReactElement {
  const [view, change] = useAlertView();
  const [, setScope] = useScope();
  const now = useNow(CLOCK_MS);
  const byCluster = view.view === "cluster";
  const open = (group: AlertGroup): void => {
    if (byCluster) {
      setScope(group.clusters.map(({ cluster_name }) => cluster_name));
      change({ view: null, page: null }, "replace");
    } else {
      change({ view: null, alertname: group.key["alertname"] ?? null, page: null });
    }
  };
  return (
    <Table aria-label={byCluster ? "Alerts by cluster" : "Alerts by name"} variant="compact">
      <Thead>
        <Tr>
          <Th>{byCluster ? "Cluster" : "Alert"}</Th>
          <Th>Worst</Th>
          <Th>Firing</Th>
          <Th>In all</Th>
          {!byCluster && <Th>Clusters</Th>}
          <Th>Newest</Th>
        </Tr>
      </Thead>
      <Tbody>
        {groups.map((group) => {
          const name = byCluster ? where(group) : (group.key["alertname"] ?? "no name");
          return (
            <Tr key={name}>
              <Td dataLabel={byCluster ? "Cluster" : "Alert"}>
                <Button
                  variant="link"
                  isInline
                  onClick={() => {
                    open(group);
                  }}
                >
                  {name}
                </Button>
              </Td>
              <Td dataLabel="Worst">
                <Label status={SEVERITY_STATUS[group.severity]} variant={group.firing > 0 ? "filled" : "outline"}>
                  {words(group.severity)}
                </Label>
              </Td>
              <Td dataLabel="Firing">{group.firing}</Td>
              <Td dataLabel="In all">{group.count}</Td>
              {!byCluster && <Td dataLabel="Clusters">{where(group)}</Td>}
              <Td dataLabel="Newest">{ago(group.starts_at, now)}</Td>
            </Tr>
          );
        })}
      </Tbody>
    </Table>
  );
}
