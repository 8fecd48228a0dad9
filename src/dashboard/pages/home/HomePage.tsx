import { PageSection, Stack, StackItem, Title } from "@patternfly/react-core";
import type { ReactElement } from "react";

import type { Me } from "../../api/types";
import { Frame } from "../Frame";
import { FleetSection } from "./FleetSection";
import { QuerySection } from "./QuerySection";

export function HomePage({ me }: { me: Me }): ReactElement {
  return (
    <Frame me={me}>
      <PageSection>
        <Title headingLevel="h1">Fleet</Title>
      </PageSection>
      <PageSection isFilled>
        <Stack hasGutter>
          <StackItem>
            <FleetSection />
          </StackItem>
          <StackItem>
            <QuerySection csrfToken={me.csrf_token} />
          </StackItem>
        </Stack>
      </PageSection>
    </Frame>
  );
}
