import { Label, Timestamp, Tooltip } from "@patternfly/react-core";
import { Table, Tbody, Td, Th, Thead, Tr } from "@patternfly/react-table";
import type { ReactElement } from "react";

import type { Cluster } from "../../api/types";
import { STATE_STATUS } from "../../concepts/clusters";
import { ago, measured, words } from "../../utilities/formats";
import { useNow } from "../../utilities/now";

const CLOCK_MS = 5_000;

function StateLabel({ cluster }: { cluster: Cluster }): ReactElement {
  const { state, last_error } = cluster.status;
  const status = STATE_STATUS[state];
  const label = <Label {...(status && { status })}>{words(state)}</Label>;
  return last_error === null ? label : <Tooltip content={last_error}>{<span tabIndex={0}>{label}</span>}</Tooltip>;
}

function LastSeen({ at, now }: { at: string | null; now: Date }): ReactElement {
  if (at === null) return <>never</>;
  return (
    <Timestamp date={new Date(at)} tooltip={{ variant: "default" }}>
      {ago(at, now)}
    </Timestamp>
  );
}

export function FleetTable({ clusters }: { clusters: readonly Cluster[] }): ReactElement {
  const now = useNow(CLOCK_MS);
  return (
    <Table aria-labelledby="clusters" variant="compact">
      <Thead>
        <Tr>
          <Th>Name</Th>
          <Th>State</Th>
          <Th>Type</Th>
          <Th>Environment</Th>
          <Th>Health score</Th>
          <Th>Last seen</Th>
        </Tr>
      </Thead>
      <Tbody>
        {clusters.map((cluster) => (
          <Tr key={cluster.id}>
            <Td dataLabel="Name">
              <strong>{cluster.name}</strong>
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
