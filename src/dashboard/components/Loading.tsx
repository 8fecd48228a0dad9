import { Bullseye, Spinner } from "@patternfly/react-core";
import type { ReactElement } from "react";

export function Loading({ what }: { what: string }): ReactElement {
  return (
    <Bullseye>
      <Spinner size="lg" aria-label={`Reading ${what}`} />
    </Bullseye>
  );
}
