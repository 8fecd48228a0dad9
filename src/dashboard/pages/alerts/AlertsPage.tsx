import { PageSection, Title } from "@patternfly/react-core";
import type { ReactElement } from "react";

export function AlertsPage(): ReactElement {
  return (
    <PageSection>
      <Title headingLevel="h1">Alerts</Title>
    </PageSection>
  );
}
