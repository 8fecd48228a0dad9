import { Label, Tooltip } from "@patternfly/react-core";
import CheckCircleIcon from "@patternfly/react-icons/dist/esm/icons/check-circle-icon";
import DisconnectedIcon from "@patternfly/react-icons/dist/esm/icons/disconnected-icon";
import InProgressIcon from "@patternfly/react-icons/dist/esm/icons/in-progress-icon";
import type { ReactElement } from "react";

import { useLive } from "../../concepts/live";

const SHOWN = {
  connecting: { text: "Connecting", why: "The first connection for live events is being made.", icon: InProgressIcon, color: "grey" },
  live: { text: "Live", why: "Changes show as they happen.", icon: CheckCircleIcon, color: "green" },
  "catching-up": { text: "Catching up", why: "Asking the hub for what was missed.", icon: InProgressIcon, color: "blue" },
  offline: {
    text: "Offline",
    why: "No live events now. What is shown is read again from time to time, and caught up with once the hub answers.",
    icon: DisconnectedIcon,
    color: "orange",
  },
} as const;

export function ConnectionState(): ReactElement {
  const { text, why, icon: Icon, color } = SHOWN[useLive().state];
  return (
    <Tooltip content={why}>
      <span tabIndex={0} role="status" aria-label={`Live events: ${text}. ${why}`}>
        <Label isCompact variant="outline" color={color} icon={<Icon />}>
          <span className="aiops-wide-only">{text}</span>
        </Label>
      </span>
    </Tooltip>
  );
}
