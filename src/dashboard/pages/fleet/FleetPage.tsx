import { PageSection, Stack, StackItem, Title } from "@patternfly/react-core";
import type { ReactElement } from "react";

import { FleetSection } from "./FleetSection";
import { UrgentSection } from "./UrgentSection";

export function FleetPage(): ReactElement {
  return (
    <>
      <PageSection>
        <Title headingLevel="h1">Fleet</Title>
      </PageSection>
      <PageSection isFilled>
        <Stack hasGutter>
          <StackItem>
            <UrgentSection />
          </StackItem>
          <StackItem>
            <FleetSection />
          </StackItem>
        </Stack>
      </PageSection>
    </>
  );
}
