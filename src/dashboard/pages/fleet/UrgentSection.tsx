// First on the page: what needs somebody now. Nothing urgent is good news, and says from how many clusters it knows.
import {
  Alert as Banner,
  Card,
  CardBody,
  CardTitle,
  Content,
  DataList,
  DataListCell,
  DataListItem,
  DataListItemCells,
  DataListItemRow,
  Icon,
  Label,
} from "@patternfly/react-core";
import CheckCircleIcon from "@patternfly/react-icons/dist/esm/icons/check-circle-icon";
import type { ReactElement } from "react";
import { Link } from "wouter";

import type { Alert, Cluster } from "../../api/types";
import { FailureState } from "../../components/FailureState";
import { Loading } from "../../components/Loading";
import { STATE_STATUS, useFleetSummary } from "../../concepts/clusters";
import { useCriticalAlerts, useTroubledClusters } from "../../concepts/urgent";
import { ago, words } from "../../utilities/formats";
import { useNow } from "../../utilities/now";
import { useHref } from "../../utilities/url-state";

function ClusterRow({ cluster }: { cluster: Cluster }): ReactElement {
  const hrefTo = useHref();
  const { state, last_error } = cluster.status;
  const status = STATE_STATUS[state];
  return (
    <DataListItem aria-label={`${cluster.name} is ${words(state).toLowerCase()}`}>
      <DataListItemRow>
        <DataListItemCells
          dataListCells={[
            <DataListCell key="what" width={1} isFilled={false}>
              <Label {...(status && { status })}>{words(state)}</Label>
            </DataListCell>,
            <DataListCell key="where" width={2}>
              <Link href={hrefTo(`/clusters/${cluster.name}`)}>{cluster.name}</Link>
              <Content component="small">{last_error ?? "The reason is on the cluster's page."}</Content>
            </DataListCell>,
          ]}
        />
      </DataListItemRow>
    </DataListItem>
  );
}

function AlertRow({ alert, now }: { alert: Alert; now: Date }): ReactElement {
  const hrefTo = useHref();
  return (
    <DataListItem aria-label={`${alert.alertname} is firing on ${alert.cluster_name}`}>
      <DataListItemRow>
        <DataListItemCells
          dataListCells={[
            <DataListCell key="what" width={1} isFilled={false}>
              <Label status="danger">Critical</Label>
            </DataListCell>,
            <DataListCell key="where" width={2}>
              <Link href={hrefTo("/alerts", { alert: alert.id })}>{alert.alertname}</Link> on {alert.cluster_name}{" "}
              {ago(alert.starts_at, now)}
              <Content component="small">{alert.message}</Content>
            </DataListCell>,
          ]}
        />
      </DataListItemRow>
    </DataListItem>
  );
}

function Calm(): ReactElement | null {
  const summary = useFleetSummary();
  if (!summary.isSuccess || summary.data.total_clusters === 0) return null;
  const { total_clusters: total, by_state } = summary.data;
  return (
    <Content component="p">
      <Icon status="success" isInline>
        <CheckCircleIcon />
      </Icon>{" "}
      Nothing: no cluster is offline or degraded ({by_state["ONLINE"] ?? 0} of {total} online), and no critical alert fires.
    </Content>
  );
}

export function UrgentSection(): ReactElement {
  const { offline, degraded } = useTroubledClusters();
  const critical = useCriticalAlerts();
  const hrefTo = useHref();
  const now = useNow(10_000);
  const reads = [offline, degraded, critical];
  const failed = reads.find(({ isError }) => isError);
  const clusters = [...(offline.data?.items ?? []), ...(degraded.data?.items ?? [])];
  const alerts = critical.data?.items ?? [];
  const moreClusters = (offline.data?.total ?? 0) + (degraded.data?.total ?? 0) - clusters.length;
  const moreAlerts = (critical.data?.total ?? 0) - alerts.length;
  const complete = reads.every(({ isSuccess }) => isSuccess);
  return (
    <Card component="section" aria-labelledby="urgent">
      <CardTitle component="h2" id="urgent">
        Needs you now
      </CardTitle>
      <CardBody aria-live="polite">
        {failed && (
          <FailureState
            what="what needs you now"
            error={failed.error}
            onRetry={() => {
              for (const read of reads) void read.refetch();
            }}
          />
        )}
        {!failed && !complete && <Loading what="what needs you now" />}
        {complete && clusters.length + alerts.length === 0 && <Calm />}
        {clusters.length + alerts.length > 0 && (
          <DataList aria-label="What needs you now" isCompact className="aiops-urgent">
            {clusters.map((cluster) => (
              <ClusterRow key={cluster.id} cluster={cluster} />
            ))}
            {alerts.map((alert) => (
              <AlertRow key={alert.id} alert={alert} now={now} />
            ))}
          </DataList>
        )}
        {moreClusters > 0 && (
          <Banner variant="info" isInline isPlain component="p" title={`${moreClusters} more clusters are offline or degraded: see the list below.`} />
        )}
        {moreAlerts > 0 && (
          <Content component="p">
            <Link href={hrefTo("/alerts", { severity: "CRITICAL" })}>{moreAlerts} more critical alerts</Link>
          </Content>
        )}
      </CardBody>
    </Card>
  );
}
