import {
  EmptyState,
  EmptyStateBody,
  Grid,
  GridItem,
  PageSection,
} from "@patternfly/react-core";
import type { ReactElement } from "react";
import { Link, useParams } from "wouter";

import { FailureState } from "../../components/FailureState";
import { Loading } from "../../components/Loading";
import { useCluster } from "../../concepts/cluster";
import { asFailure } from "../../utilities/failure";
import { useNow } from "../../utilities/now";
import { ClusterAlerts } from "./ClusterAlerts";
import { ConditionsCard, EndpointsCard } from "./ClusterHealth";
import { ClusterHistory } from "./ClusterHistory";
import { ClusterFacts } from "./ClusterFacts";
import { ClusterHeader } from "./ClusterHeader";

const MISSING = 404;

function Missing({ name }: { name: string }): ReactElement {
  return (
    <EmptyState headingLevel="h1" titleText={`There is no cluster ${name}`}>
      <EmptyStateBody>
        It may have been removed, or it is not among those that you may see. <Link href="/">Go to the fleet</Link>
      </EmptyStateBody>
    </EmptyState>
  );
}

export function ClusterPage(): ReactElement {
  const { name } = useParams<{ name: string }>();
  const found = useCluster(name);
  const now = useNow(5_000);
  if (found.isError) {
    return (
      <PageSection isFilled>
        {asFailure(found.error).status === MISSING ? (
          <Missing name={name} />
        ) : (
          <FailureState what={`the cluster ${name}`} error={found.error} onRetry={() => void found.refetch()} />
        )}
      </PageSection>
    );
  }
  if (found.isPending) {
    return (
      <PageSection isFilled>
        <Loading what={`the cluster ${name}`} />
      </PageSection>
    );
  }
  const cluster = found.data.value;
  return (
    <>
      <ClusterHeader tagged={found.data} />
      <PageSection isFilled>
        <Grid hasGutter>
          <GridItem lg={8}>
            <ClusterFacts cluster={cluster} now={now} />
          </GridItem>
          <GridItem lg={4}>
            <ClusterAlerts cluster={cluster} now={now} />
          </GridItem>
          <GridItem>
            <EndpointsCard cluster={cluster} />
          </GridItem>
          <GridItem>
            <ConditionsCard conditions={cluster.status.conditions} now={now} />
          </GridItem>
          <GridItem>
            <ClusterHistory id={cluster.id} />
          </GridItem>
        </Grid>
      </PageSection>
    </>
  );
}
