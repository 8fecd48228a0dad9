import { Content, EmptyState, EmptyStateActions, EmptyStateBody, EmptyStateFooter, Button, Pagination } from "@patternfly/react-core";
import CheckCircleIcon from "@patternfly/react-icons/dist/esm/icons/check-circle-icon";
import SearchIcon from "@patternfly/react-icons/dist/esm/icons/search-icon";
import type { ReactElement } from "react";

import { FailureState } from "../../components/FailureState";
import { Loading } from "../../components/Loading";
import { isNarrowed, NO_FILTERS, PAGE_SIZES, useAlerts, useAlertView } from "../../concepts/alerts";
import { useScope } from "../../concepts/scope";
import { AlertGroups } from "./AlertGroups";
import { AlertTable } from "./AlertTable";

function Nothing(): ReactElement {
  const [view, change] = useAlertView();
  if (isNarrowed(view)) {
    return (
      <EmptyState variant="sm" headingLevel="h2" icon={SearchIcon} titleText="No alert matches these filters">
        <EmptyStateFooter>
          <EmptyStateActions>
            <Button
              variant="link"
              onClick={() => {
                change(NO_FILTERS);
              }}
            >
              Clear all filters
            </Button>
          </EmptyStateActions>
        </EmptyStateFooter>
      </EmptyState>
    );
  }
  return (
    <EmptyState headingLevel="h2" status="success" icon={CheckCircleIcon} titleText="Nothing is firing">
      <EmptyStateBody>
        The hub hears of an alert from its cluster&apos;s Alertmanager, which sends it to the cluster&apos;s webhook. The page
        of a cluster, and <code>aiops cluster add</code>, print the receiver for it.
      </EmptyStateBody>
    </EmptyState>
  );
}

export function AlertResults({ onOpen }: { onOpen: (id: string, from: HTMLElement) => void }): ReactElement {
  const [view, change] = useAlertView();
  const [scope] = useScope();
  const { alerts, groups } = useAlerts(view);
  const shown = view.view === "list" ? alerts : groups;
  if (scope.unknown.length > 0 && scope.ids === undefined) {
    return <Content component="p">There is no cluster {scope.unknown.join(", ")}; choose others above.</Content>;
  }
  if (shown.isError) return <FailureState what="alerts" error={shown.error} onRetry={() => void shown.refetch()} />;
  if (shown.data === undefined) return <Loading what="alerts" />;
  if (shown.data.total === 0) return <Nothing />;
  return (
    <>
      {view.view === "list" && alerts.data && <AlertTable alerts={alerts.data.items} onOpen={onOpen} />}
      {view.view !== "list" && groups.data && <AlertGroups groups={groups.data.items} />}
      <Pagination
        itemCount={shown.data.total}
        page={view.page}
        perPage={view.pageSize}
        perPageOptions={PAGE_SIZES.map((value) => ({ title: String(value), value }))}
        variant="bottom"
        onSetPage={(_, page) => {
          change({ page: page === 1 ? null : String(page) });
        }}
        onPerPageSelect={(_, size) => {
          change({ page_size: String(size), page: null });
        }}
      />
    </>
  );
}
