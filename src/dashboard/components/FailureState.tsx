// A failed read. Forbidden is not broken, and neither is empty: each says so in its own words.
import { Alert, AlertActionLink, EmptyState, EmptyStateBody } from "@patternfly/react-core";
import LockIcon from "@patternfly/react-icons/dist/esm/icons/lock-icon";
import type { ReactElement } from "react";

import { asFailure } from "../utilities/failure";

interface Props {
  what: string;
  error: unknown;
  onRetry?: () => void;
}

export function FailureState({ what, error, onRetry }: Props): ReactElement {
  const failure = asFailure(error);
  if (failure.forbidden) {
    return (
      <EmptyState variant="sm" headingLevel="h3" icon={LockIcon} titleText={`You may not see ${what}`}>
        <EmptyStateBody>{failure.message}</EmptyStateBody>
      </EmptyState>
    );
  }
  return (
    <Alert
      variant="danger"
      isInline
      component="h3"
      title={`${what.charAt(0).toUpperCase()}${what.slice(1)} could not be read: ${failure.code}`}
      actionLinks={onRetry && <AlertActionLink onClick={onRetry}>Try again</AlertActionLink>}
    >
      <p>{failure.message}</p>
      {failure.retryAfterS !== null && <p>Try again in {failure.retryAfterS} s.</p>}
      {failure.traceId && (
        <p>
          Trace <code>{failure.traceId}</code>
        </p>
      )}
    </Alert>
  );
}
