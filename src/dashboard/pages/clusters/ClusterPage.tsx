import { PageSection, Title } from "@patternfly/react-core";
import type { ReactElement } from "react";

export function ClusterPage(): ReactElement {
  return (
    <PageSection>
      <Title headingLevel="h1">Cluster</Title>
    </PageSection>
  );
}
