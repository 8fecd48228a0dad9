// Who is here, and which page they look at. A session that ends while someone works asks for a new one above the page,
// which stays as it is.
import { Bullseye, PageSection } from "@patternfly/react-core";
import { useQueryClient } from "@tanstack/react-query";
import { Suspense, useEffect, useState, type ReactElement } from "react";
import { Route, Switch } from "wouter";

import type { Me } from "./api/types";
import { FailureState } from "./components/FailureState";
import { Loading } from "./components/Loading";
import { follow } from "./concepts/live";
import { useMe } from "./concepts/session";
import { NOT_FOUND as NotFound, ROUTES } from "./pages/routes";
import { PageErrorBoundary } from "./pages/shell/PageErrorBoundary";
import { Shell } from "./pages/shell/Shell";
import { SignInDialog } from "./pages/shell/SignInDialog";
import { SignInPage } from "./pages/SignInPage";

export function App(): ReactElement {
  const me = useMe();
  // The last one who was signed in, until they sign out: what they see stays while they sign in again.
  const [last, setLast] = useState<Me | null>(null);
  if (me.data && me.data !== last) setLast(me.data);
  if (me.isPending) {
    return (
      <Bullseye className="aiops-sign-in">
        <Loading what="your session" />
      </Bullseye>
    );
  }
  if (me.isError && last === null) {
    return (
      <PageSection>
        <FailureState what="your session" error={me.error} onRetry={() => void me.refetch()} />
      </PageSection>
    );
  }
  const shown = me.data ?? last;
  if (shown === null) return <SignInPage />;
  return (
    <SignedIn
      me={shown}
      expired={me.data === null}
      onSignedOut={() => {
        setLast(null);
      }}
    />
  );
}

function SignedIn({ me, expired, onSignedOut }: { me: Me; expired: boolean; onSignedOut: () => void }): ReactElement {
  const client = useQueryClient();
  useEffect(() => (expired ? undefined : follow(client)), [client, expired]);
  return (
    <>
      {expired && <SignInDialog subject={me.subject} onGiveUp={onSignedOut} />}
      <Shell me={me} onSignedOut={onSignedOut}>
        <PageErrorBoundary>
          <Suspense fallback={<Loading what="the page" />}>
            <Switch>
              {ROUTES.map(({ path, component }) => (
                <Route key={path} path={path} component={component} />
              ))}
              <Route component={NotFound} />
            </Switch>
          </Suspense>
        </PageErrorBoundary>
      </Shell>
    </>
  );
}
