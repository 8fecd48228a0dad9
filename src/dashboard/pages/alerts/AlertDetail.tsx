// One alert, closely: what it says, where it comes from, what happened to it.
import {
  Content,
  DescriptionList,
  DescriptionListDescription,
  DescriptionListGroup,
  DescriptionListTerm,
  DrawerActions,
  DrawerCloseButton,
  DrawerHead,
  DrawerPanelBody,
  DrawerPanelContent,
  EmptyState,
  EmptyStateBody,
  Label,
  LabelGroup,
  ProgressStep,
  ProgressStepper,
  Title,
} from "@patternfly/react-core";
import { useEffect, useRef, type ReactElement } from "react";
import { Link } from "wouter";

import type { Alert } from "../../api/types";
import { CopyButton } from "../../components/CopyButton";
import { FailureState } from "../../components/FailureState";
import { Loading } from "../../components/Loading";
import { joinLabels, safeLink, useAlert, useAlertView, useTimeline } from "../../concepts/alerts";
import { asFailure } from "../../utilities/failure";
import { ago, instant, lasted, words } from "../../utilities/formats";
import { useNow } from "../../utilities/now";
import { useHref } from "../../utilities/url-state";
import { SeverityLabel } from "./SeverityLabel";

const NAME_LABEL = "alertname";
const RUNBOOK = "runbook_url";

function Linked({ text, label }: { text: string; label?: string }): ReactElement {
  const href = safeLink(text);
  if (href === null) return <>{text}</>;
  return (
    <a href={href} target="_blank" rel="noreferrer">
      {label ?? text}
    </a>
  );
}

function Timeline({ alert, now }: { alert: Alert; now: Date }): ReactElement {
  const timeline = useTimeline(alert);
  if (timeline.isPending) return <Loading what="what happened" />;
  if (timeline.isError) {
    return <FailureState what="what happened" error={timeline.error} onRetry={() => void timeline.refetch()} />;
  }
  const { items, total } = timeline.data;
  if (items.length === 0) return <Content component="p">No change of it is kept any more.</Content>;
  return (
    <>
      <ProgressStepper isVertical aria-label="What happened, newest first">
        {items.map(({ event_id, new_state, timestamp }) => (
          <ProgressStep
            key={event_id}
            id={`step-${event_id}`}
            titleId={`step-title-${event_id}`}
            variant={new_state === "FIRING" ? "danger" : new_state === "RESOLVED" ? "success" : "info"}
            description={instant(Date.parse(timestamp) / 1000)}
            aria-label={words(new_state)}
          >
            {words(new_state)} {ago(timestamp, now)}
          </ProgressStep>
        ))}
      </ProgressStepper>
      {total > items.length && <Content component="small">and {total - items.length} older changes</Content>}
    </>
  );
}

function Labels({ alert }: { alert: Alert }): ReactElement {
  const [view, change] = useAlertView();
  return (
    <LabelGroup aria-label="Labels" numLabels={40} isCompact>
      {Object.entries(alert.labels)
        .filter(([name]) => name !== NAME_LABEL)
        .sort(([a], [b]) => a.localeCompare(b))
        .map(([name, value]) => {
          const text = `${name}=${value}`;
          return (
            <Label
              key={name}
              isCompact
              variant="outline"
              textMaxWidth="18rem"
              onClick={() => {
                change({ label: joinLabels([...view.labels, text]), page: null });
              }}
            >
              {text}
            </Label>
          );
        })}
    </LabelGroup>
  );
}

function Facts({ alert }: { alert: Alert }): ReactElement {
  const now = useNow(5_000);
  const hrefTo = useHref();
  const over = alert.state === "FIRING" || alert.ends_at === null ? null : new Date(alert.ends_at);
  const { [RUNBOOK]: runbook, ...annotations } = alert.annotations;
  return (
    <>
      <Content component="p">{alert.message}</Content>
      {runbook !== undefined && (
        <Content component="p">
          <Linked text={runbook} label="Open the runbook" />
        </Content>
      )}
      <DescriptionList isCompact>
        <DescriptionListGroup>
          <DescriptionListTerm>Severity</DescriptionListTerm>
          <DescriptionListDescription>
            <SeverityLabel severity={alert.severity} state={alert.state} />
          </DescriptionListDescription>
        </DescriptionListGroup>
        <DescriptionListGroup>
          <DescriptionListTerm>Cluster</DescriptionListTerm>
          <DescriptionListDescription>
            <Link href={hrefTo(`/clusters/${alert.cluster_name}`)}>{alert.cluster_name}</Link>
          </DescriptionListDescription>
        </DescriptionListGroup>
        <DescriptionListGroup>
          <DescriptionListTerm>Since</DescriptionListTerm>
          <DescriptionListDescription>
            {instant(Date.parse(alert.starts_at) / 1000)}, {lasted(alert.starts_at, over ?? now)}
            {over === null && " so far"}
          </DescriptionListDescription>
        </DescriptionListGroup>
        {Object.entries(annotations)
          .filter(([, text]) => text !== alert.message)
          .map(([name, text]) => (
            <DescriptionListGroup key={name}>
              <DescriptionListTerm>{words(name)}</DescriptionListTerm>
              <DescriptionListDescription className="aiops-value">
                <Linked text={text} />
              </DescriptionListDescription>
            </DescriptionListGroup>
          ))}
        <DescriptionListGroup>
          <DescriptionListTerm>Labels</DescriptionListTerm>
          <DescriptionListDescription>
            <Labels alert={alert} />
          </DescriptionListDescription>
        </DescriptionListGroup>
        {alert.generator_url !== null && (
          <DescriptionListGroup>
            <DescriptionListTerm>Source</DescriptionListTerm>
            <DescriptionListDescription className="aiops-value">
              <Linked text={alert.generator_url} label="The expression, in its Prometheus" />
            </DescriptionListDescription>
          </DescriptionListGroup>
        )}
        <DescriptionListGroup>
          <DescriptionListTerm>What happened</DescriptionListTerm>
          <DescriptionListDescription>
            <Timeline alert={alert} now={now} />
          </DescriptionListDescription>
        </DescriptionListGroup>
      </DescriptionList>
    </>
  );
}

function Missing({ id }: { id: string }): ReactElement {
  return (
    <EmptyState variant="sm" headingLevel="h2" titleText="There is no such alert">
      <EmptyStateBody>
        <code>{id}</code> is not known here. It may be older than what is kept, or of a cluster that you do not see.
      </EmptyStateBody>
    </EmptyState>
  );
}

export function AlertDetail({ id, onClose }: { id: string; onClose: () => void }): ReactElement {
  const alert = useAlert(id);
  const head = useRef<HTMLSpanElement>(null);
  useEffect(() => {
    head.current?.focus();
  }, []);
  return (
    <DrawerPanelContent
      role="region"
      aria-label="The alert"
      widths={{ default: "width_100", lg: "width_50", xl: "width_33" }}
      onKeyDown={(event) => {
        if (event.key === "Escape") onClose();
      }}
    >
      <DrawerHead>
        <span ref={head} tabIndex={-1} className="aiops-focus-target">
          <Title headingLevel="h2" size="lg">
            {alert.data?.alertname ?? "Alert"}
          </Title>
        </span>
        <DrawerActions>
          {alert.data && <CopyButton what="the alert as JSON" text={JSON.stringify(alert.data, null, 2)} />}
          <DrawerCloseButton onClick={onClose} aria-label="Close the alert" />
        </DrawerActions>
      </DrawerHead>
      <DrawerPanelBody>
        {alert.isPending && <Loading what="the alert" />}
        {alert.isError &&
          (asFailure(alert.error).status === 404 ? (
            <Missing id={id} />
          ) : (
            <FailureState what="the alert" error={alert.error} onRetry={() => void alert.refetch()} />
          ))}
        {alert.data && <Facts alert={alert.data} />}
      </DrawerPanelBody>
    </DrawerPanelContent>
  );
}
