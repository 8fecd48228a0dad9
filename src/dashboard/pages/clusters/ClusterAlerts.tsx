import { Card, CardBody, CardTitle, Content, Label, List, ListItem } from "@patternfly/react-core";
import type { ReactElement } from "react";
import { Link } from "wouter";

import type { Cluster } from "../../api/types";
import { FailureState } from "../../components/FailureState";
import { Loading } from "../../components/Loading";
import { SEVERITY_STATUS } from "../../concepts/alerts";
import { useFiringAlerts } from "../../concepts/cluster";
import { ago, words } from "../../utilities/formats";
import { useHref } from "../../utilities/url-state";

export function ClusterAlerts({ cluster, now }: { cluster: Cluster; now: Date }): ReactElement {
  const alerts = useFiringAlerts(cluster.id);
  const hrefTo = useHref();
  const all = hrefTo("/alerts", { clusters: cluster.name });
  return (
    <Card isFullHeight component="section" aria-labelledby="cluster-alerts">
      <CardTitle component="h2" id="cluster-alerts">
        Firing alerts
      </CardTitle>
      <CardBody>
        {alerts.isPending && <Loading what="its alerts" />}
        {alerts.isError && <FailureState what="its alerts" error={alerts.error} onRetry={() => void alerts.refetch()} />}
        {alerts.data?.total === 0 && <Content component="p">None that the hub was told of.</Content>}
        {alerts.data && alerts.data.total > 0 && (
          <List isPlain>
            {alerts.data.items.map((alert) => (
              <ListItem key={alert.id}>
                <Label isCompact status={SEVERITY_STATUS[alert.severity]}>
                  {words(alert.severity)}
                </Label>{" "}
                <Link href={hrefTo("/alerts", { clusters: cluster.name, alert: alert.id })}>{alert.alertname}</Link>{" "}
                {ago(alert.starts_at, now)}
              </ListItem>
            ))}
          </List>
        )}
        <Content component="p">
          <Link href={all}>{alerts.data && alerts.data.total > alerts.data.items.length ? `All ${alerts.data.total}` : "All of its alerts"}</Link>
        </Content>
      </CardBody>
    </Card>
  );
}
