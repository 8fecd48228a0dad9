import { Button, EmptyState, EmptyStateActions, EmptyStateBody, EmptyStateFooter, PageSection } from "@patternfly/react-core";
import type { ReactElement } from "react";

import type { Me } from "../api/types";
import { Frame } from "./Frame";

export function NotFoundPage({ me }: { me: Me }): ReactElement {
  return (
    <Frame me={me}>
      <PageSection isFilled>
        <EmptyState headingLevel="h1" titleText="There is no such page">
          <EmptyStateBody>
            The dashboard has nothing at <code>{window.location.pathname}</code>.
          </EmptyStateBody>
          <EmptyStateFooter>
            <EmptyStateActions>
              <Button component="a" href="/" variant="primary">
                Go to the fleet
              </Button>
            </EmptyStateActions>
          </EmptyStateFooter>
        </EmptyState>
      </PageSection>
    </Frame>
  );
}
