import { Bullseye, PageSection } from "@patternfly/react-core";
import type { ReactElement } from "react";

import { FailureState } from "./components/FailureState";
import { Loading } from "./components/Loading";
import { useMe } from "./concepts/session";
import { HomePage } from "./pages/home/HomePage";
import { NotFoundPage } from "./pages/NotFoundPage";
import { SignInPage } from "./pages/SignInPage";

export function App(): ReactElement {
  const me = useMe();
  if (me.isPending) {
    return (
      <Bullseye className="aiops-sign-in">
        <Loading what="your session" />
      </Bullseye>
    );
  }
  if (me.isError) {
    return (
      <PageSection>
        <FailureState what="your session" error={me.error} onRetry={() => void me.refetch()} />
      </PageSection>
    );
  }
  if (me.data === null) return <SignInPage />;
  return window.location.pathname === "/" ? <HomePage me={me.data} /> : <NotFoundPage me={me.data} />;
}
