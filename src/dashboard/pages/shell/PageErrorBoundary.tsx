// A page that breaks must not take the masthead with it. One cause is common and harmless: the hub was upgraded, and
// the file of a page that was not opened yet is gone.
import {
  Button,
  EmptyState,
  EmptyStateActions,
  EmptyStateBody,
  EmptyStateFooter,
  PageSection,
} from "@patternfly/react-core";
import ExclamationCircleIcon from "@patternfly/react-icons/dist/esm/icons/exclamation-circle-icon";
import { Component, type ReactElement, type ReactNode } from "react";

import { usePathname } from "../../utilities/url-state";

interface Props {
  children: ReactNode;
}

class Boundary extends Component<Props, { error: Error | null }> {
  override state: { error: Error | null } = { error: null };

  static getDerivedStateFromError(error: Error): { error: Error } {
    return { error };
  }

  override render(): ReactNode {
    const { error } = this.state;
    if (error === null) return this.props.children;
    return (
      <PageSection isFilled>
        <EmptyState
          headingLevel="h1"
          status="danger"
          icon={ExclamationCircleIcon}
          titleText="This page stopped working"
        >
          <EmptyStateBody>
            Reloading helps when the hub was upgraded meanwhile. Otherwise it is a fault of ours: <code>{error.message}</code>
          </EmptyStateBody>
          <EmptyStateFooter>
            <EmptyStateActions>
              <Button
                onClick={() => {
                  window.location.reload();
                }}
              >
                Reload
              </Button>
            </EmptyStateActions>
          </EmptyStateFooter>
        </EmptyState>
      </PageSection>
    );
  }
}

export function PageErrorBoundary({ children }: Props): ReactElement {
  // Another page is another chance.
  return <Boundary key={usePathname()}>{children}</Boundary>;
}
