import { EmptyState, EmptyStateActions, EmptyStateBody, EmptyStateFooter, PageSection } from "@patternfly/react-core";
import type { ReactElement } from "react";
import { Link } from "wouter";

import { usePathname } from "../utilities/url-state";

export function NotFoundPage(): ReactElement {
  return (
    <PageSection isFilled>
      <EmptyState headingLevel="h1" titleText="There is no such page">
        <EmptyStateBody>
          The dashboard has nothing at <code>{usePathname()}</code>.
        </EmptyStateBody>
        <EmptyStateFooter>
          <EmptyStateActions>
            <Link href="/">Go to the fleet</Link>
          </EmptyStateActions>
        </EmptyStateFooter>
      </EmptyState>
    </PageSection>
  );
}
