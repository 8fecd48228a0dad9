import {
  Alert,
  Card,
  CardBody,
  CardTitle,
  DescriptionList,
  DescriptionListDescription,
  DescriptionListGroup,
  DescriptionListTerm,
  Label,
  LabelGroup,
} from "@patternfly/react-core";
import type { ReactElement, ReactNode } from "react";

import type { Cluster } from "../../api/types";
import { ago, instant, listed, measured, words } from "../../utilities/formats";

function Fact({ term, children }: { term: string; children: ReactNode }): ReactElement {
  return (
    <DescriptionListGroup>
      <DescriptionListTerm>{term}</DescriptionListTerm>
      <DescriptionListDescription>{children}</DescriptionListDescription>
    </DescriptionListGroup>
  );
}

function credentialsText({ credentials }: Cluster): string {
  if (credentials === null) return "none stored";
  const kinds = listed(credentials.stored.map((one) => words(one).toLowerCase()));
  const expiry = credentials.expires_at === null ? "" : `, until ${instant(Date.parse(credentials.expires_at) / 1000)}`;
  return `${kinds === "" ? words(credentials.auth_type) : kinds}${expiry}`;
}

export function ClusterFacts({ cluster, now }: { cluster: Cluster; now: Date }): ReactElement {
  const { status } = cluster;
  const labels = Object.entries(cluster.labels).sort(([a], [b]) => a.localeCompare(b));
  return (
    <Card isFullHeight component="section" aria-labelledby="facts">
      <CardTitle component="h2" id="facts">
        Now
      </CardTitle>
      <CardBody>
        {status.last_error !== null && (
          <Alert variant={status.state === "OFFLINE" ? "danger" : "warning"} isInline component="h3" title="The last check found">
            {status.last_error}
          </Alert>
        )}
        <DescriptionList isCompact columnModifier={{ default: "1Col", sm: "2Col" }}>
          <Fact term="Name">{cluster.name}</Fact>
          <Fact term="Health score">{measured(status.health_score)}</Fact>
          <Fact term="Connectivity">{status.connectivity === null ? measured(null) : words(status.connectivity)}</Fact>
          <Fact term="Last check">{ago(status.last_check_at, now)}</Fact>
          <Fact term="Type">
            {words(cluster.cluster_type)}, {words(cluster.environment).toLowerCase()}
          </Fact>
          <Fact term="Platform">
            {words(cluster.platform)} {cluster.platform_version ?? ""}
          </Fact>
          <Fact term="Region">{cluster.region ?? "not said"}</Fact>
          <Fact term="Nodes ready">
            {status.node_count === null ? measured(null) : `${measured(status.ready_nodes)} of ${status.node_count}`}
          </Fact>
          <Fact term="Credentials">{credentialsText(cluster)}</Fact>
          <Fact term="Registered">{instant(Date.parse(cluster.created_at) / 1000)}</Fact>
          <Fact term="Labels">
            {labels.length === 0 ? (
              "none"
            ) : (
              <LabelGroup aria-label="Labels" numLabels={20}>
                {labels.map(([name, value]) => (
                  <Label key={name} isCompact variant="outline">
                    {name}={value}
                  </Label>
                ))}
              </LabelGroup>
            )}
          </Fact>
        </DescriptionList>
      </CardBody>
    </Card>
  );
}
