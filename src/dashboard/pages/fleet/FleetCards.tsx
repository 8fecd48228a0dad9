import {
  Card,
  CardBody,
  CardHeader,
  CardTitle,
  DescriptionList,
  DescriptionListDescription,
  DescriptionListGroup,
  DescriptionListTerm,
  Gallery,
} from "@patternfly/react-core";
import type { ReactElement, ReactNode } from "react";
import { Link } from "wouter";

import type { Cluster } from "../../api/types";
import { measured, words } from "../../utilities/formats";
import { useNow } from "../../utilities/now";
import { useHref } from "../../utilities/url-state";
import { LastSeen, StateLabel } from "./ClusterFacts";

const CLOCK_MS = 5_000;

function Fact({ term, children }: { term: string; children: ReactNode }): ReactElement {
  return (
    <DescriptionListGroup>
      <DescriptionListTerm>{term}</DescriptionListTerm>
      <DescriptionListDescription>{children}</DescriptionListDescription>
    </DescriptionListGroup>
  );
}

export function FleetCards({ clusters }: { clusters: readonly Cluster[] }): ReactElement {
  const now = useNow(CLOCK_MS);
  const hrefTo = useHref();
  return (
    <Gallery hasGutter minWidths={{ default: "min(17rem, 100%)" }} component="ul" aria-labelledby="clusters">
      {clusters.map((cluster) => (
        <li key={cluster.id}>
          <Card isCompact isFullHeight>
            <CardHeader actions={{ actions: <StateLabel cluster={cluster} />, hasNoOffset: true }}>
              <CardTitle component="h3">
                <Link href={hrefTo(`/clusters/${cluster.name}`)}>{cluster.name}</Link>
              </CardTitle>
            </CardHeader>
            <CardBody>
              <DescriptionList isCompact isHorizontal termWidth="7rem">
                <Fact term="Health score">{measured(cluster.status.health_score)}</Fact>
                <Fact term="Type">
                  {words(cluster.cluster_type)}, {words(cluster.environment).toLowerCase()}
                </Fact>
                {cluster.region !== null && <Fact term="Region">{cluster.region}</Fact>}
                <Fact term="Last seen">
                  <LastSeen at={cluster.last_seen_at} now={now} />
                </Fact>
              </DescriptionList>
            </CardBody>
          </Card>
        </li>
      ))}
    </Gallery>
  );
}
