// What the hub's checks found: per endpoint, and as the conditions that the API has for them.
import { Card, CardBody, CardTitle, Content, Label } from "@patternfly/react-core";
import { Table, Tbody, Td, Th, Thead, Tr } from "@patternfly/react-table";
import type { ReactElement } from "react";

import type { Cluster, Condition } from "../../api/types";
import { ENDPOINTS } from "../../concepts/cluster-draft";
import { ago, words } from "../../utilities/formats";

const NOT_ASKED = "not asked";

type Health = boolean | null;

function HealthLabel({ healthy, configured }: { healthy: Health; configured: boolean }): ReactElement {
  if (!configured) return <Label variant="outline">Not configured</Label>;
  if (healthy === null) return <Label variant="outline">Not checked yet</Label>;
  return <Label status={healthy ? "success" : "danger"}>{healthy ? "Answers" : "Fails"}</Label>;
}

function endpointRows({ endpoints, api_server_url, status }: Cluster): [name: string, url: string | null, healthy: Health | undefined][] {
  const metricsAsked = endpoints.thanos_url === null ? "prometheus" : "thanos";
  const health: Record<string, Health> = {
    [metricsAsked]: status.prometheus_healthy,
    alertmanager: status.alertmanager_healthy,
    tempo: status.tempo_healthy,
    loki: status.loki_healthy,
  };
  return [
    ...ENDPOINTS.map((name): [string, string | null, Health | undefined] => [words(name), endpoints[`${name}_url`], health[name]]),
    ["API server", api_server_url, status.api_server_healthy],
  ];
}

export function EndpointsCard({ cluster }: { cluster: Cluster }): ReactElement {
  return (
    <Card component="section" aria-labelledby="endpoints">
      <CardTitle component="h2" id="endpoints">
        Endpoints
      </CardTitle>
      <CardBody>
        <Table aria-labelledby="endpoints" variant="compact">
          <Thead>
            <Tr>
              <Th>Endpoint</Th>
              <Th>State</Th>
              <Th>Address</Th>
            </Tr>
          </Thead>
          <Tbody>
            {endpointRows(cluster).map(([name, url, healthy]) => (
              <Tr key={name}>
                <Td dataLabel="Endpoint">{name}</Td>
                <Td dataLabel="State">
                  {url !== null && healthy === undefined ? (
                    <Label variant="outline">{words(NOT_ASKED)}</Label>
                  ) : (
                    <HealthLabel healthy={healthy ?? null} configured={url !== null} />
                  )}
                </Td>
                <Td dataLabel="Address" className="aiops-value">
                  {url ?? "none"}
                </Td>
              </Tr>
            ))}
          </Tbody>
        </Table>
      </CardBody>
    </Card>
  );
}

// Of these, True is the good news.
const STATUS_LABEL = { TRUE: "success", FALSE: "danger", UNKNOWN: undefined } as const;

function ConditionRow({ condition, now }: { condition: Condition; now: Date }): ReactElement {
  const status = STATUS_LABEL[condition.status];
  return (
    <Tr>
      <Td dataLabel="Condition">{condition.type}</Td>
      <Td dataLabel="Status">
        <Label {...(status ? { status } : { variant: "outline" as const })}>{words(condition.status)}</Label>
      </Td>
      <Td dataLabel="Reason" className="aiops-value">
        {condition.reason}
        <div className="aiops-message">{condition.message}</div>
      </Td>
      <Td dataLabel="Since">{ago(condition.last_transition_time, now)}</Td>
    </Tr>
  );
}

export function ConditionsCard({ conditions, now }: { conditions: readonly Condition[]; now: Date }): ReactElement {
  return (
    <Card component="section" aria-labelledby="conditions">
      <CardTitle component="h2" id="conditions">
        Conditions
      </CardTitle>
      <CardBody>
        {conditions.length === 0 ? (
          <Content component="p">The first check is still under way.</Content>
        ) : (
          <Table aria-labelledby="conditions" variant="compact">
            <Thead>
              <Tr>
                <Th>Condition</Th>
                <Th>Status</Th>
                <Th>Reason</Th>
                <Th>Since</Th>
              </Tr>
            </Thead>
            <Tbody>
              {conditions.map((condition) => (
                <ConditionRow key={condition.type} condition={condition} now={now} />
              ))}
            </Tbody>
          </Table>
        )}
      </CardBody>
    </Card>
  );
}
