import { Label } from "@patternfly/react-core";
import type { ReactElement } from "react";

import type { AlertState, Severity } from "../../api/types";
import { SEVERITY_STATUS } from "../../concepts/alerts";
import { words } from "../../utilities/formats";

/** An alert that is over keeps its severity, without the alarm. */
export function SeverityLabel({ severity, state }: { severity: Severity; state: AlertState }): ReactElement {
  return (
    <Label variant={state === "FIRING" ? "filled" : "outline"} {...(state === "FIRING" && { status: SEVERITY_STATUS[severity] })}>
      {words(severity)}
      {state !== "FIRING" && `, ${words(state).toLowerCase()}`}
    </Label>
  );
}
