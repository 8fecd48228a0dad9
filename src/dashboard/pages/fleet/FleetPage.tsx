import { PageSection, Title } from "@patternfly/react-core";
import type { ReactElement } from "react";

import { FleetSection } from "./FleetSection";

export function FleetPage(): ReactElement {
  return (
    <>
      <PageSection>
        <Title headingLevel="h1">Fleet</Title>
      </PageSection>
      <PageSection isFilled>
        <FleetSection />
      </PageSection>
    </>
  );
}
