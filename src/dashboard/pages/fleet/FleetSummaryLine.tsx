// The whole fleet in one line; each count narrows the list below to what it counts.
import { Flex, FlexItem, Label, LabelGroup } from "@patternfly/react-core";
import type { ReactElement } from "react";
import { Link } from "wouter";

import { FailureState } from "../../components/FailureState";
import { STATE_STATUS, STATES, useFleetSummary } from "../../concepts/clusters";
import { fromFirstPage, useFleetView } from "../../concepts/fleet-view";
import { measured, words } from "../../utilities/formats";
import { useHref } from "../../utilities/url-state";

const SEVERITIES = ["CRITICAL", "WARNING", "INFO"] as const;
const SEVERITY_STATUS = { CRITICAL: "danger", WARNING: "warning", INFO: "info" } as const;

export function FleetSummaryLine(): ReactElement | null {
  const summary = useFleetSummary();
  const [{ query }, change] = useFleetView();
  const hrefTo = useHref();
  if (summary.isError) {
    return <FailureState what="the fleet summary" error={summary.error} onRetry={() => void summary.refetch()} />;
  }
  if (!summary.isSuccess) return null;
  const { by_state, avg_health_score, firing_alerts } = summary.data;
  const present = STATES.filter((state) => (by_state[state] ?? 0) > 0);
  const firing = SEVERITIES.filter((severity) => (firing_alerts?.[severity] ?? 0) > 0);
  return (
    <Flex columnGap={{ default: "columnGapLg" }} rowGap={{ default: "rowGapSm" }}>
      <FlexItem>
        <LabelGroup aria-label="Clusters by state" numLabels={STATES.length}>
          {present.map((state) => {
            const status = STATE_STATUS[state];
            const chosen = query.state === state;
            return (
              <Label
                key={state}
                variant={chosen ? "filled" : "outline"}
                {...(status && { status })}
                onClick={() => {
                  change(fromFirstPage({ state: chosen ? null : state }));
                }}
              >
                {by_state[state]} {words(state).toLowerCase()}
              </Label>
            );
          })}
        </LabelGroup>
      </FlexItem>
      <FlexItem>
        Average health: <strong>{measured(avg_health_score)}</strong>
      </FlexItem>
      {firing.length > 0 && (
        <FlexItem>
          <LabelGroup aria-label="Firing alerts by severity" numLabels={SEVERITIES.length}>
            {firing.map((severity) => (
              <Label
                key={severity}
                variant="outline"
                status={SEVERITY_STATUS[severity]}
                render={({ className, content }) => (
                  <Link className={className} href={hrefTo("/alerts", { severity })}>
                    {content}
                  </Link>
                )}
              >
                {firing_alerts?.[severity]} {words(severity).toLowerCase()} firing
              </Label>
            ))}
          </LabelGroup>
        </FlexItem>
      )}
    </Flex>
  );
}
