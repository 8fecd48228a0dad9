// The small facts of a cluster that table and cards share.
import { Label, Timestamp, Tooltip } from "@patternfly/react-core";
import type { ReactElement } from "react";

import type { Cluster } from "../../api/types";
import { STATE_STATUS } from "../../concepts/clusters";
import { ago, words } from "../../utilities/formats";

export function StateLabel({ cluster }: { cluster: Cluster }): ReactElement {
  const { state, last_error } = cluster.status;
  const status = STATE_STATUS[state];
  const label = <Label {...(status && { status })}>{words(state)}</Label>;
  return last_error === null ? label : <Tooltip content={last_error}>{<span tabIndex={0}>{label}</span>}</Tooltip>;
}

export function LastSeen({ at, now }: { at: string | null; now: Date }): ReactElement {
  if (at === null) return <>never</>;
  return (
    <Timestamp date={new Date(at)} tooltip={{ variant: "default" }}>
      {ago(at, now)}
    </Timestamp>
  );
}
