import {
  Card,
  CardBody,
  CardTitle,
  CodeBlock,
  CodeBlockCode,
  EmptyState,
  EmptyStateActions,
  EmptyStateBody,
  EmptyStateFooter,
  Button,
  Pagination,
} from "@patternfly/react-core";
import ClusterIcon from "@patternfly/react-icons/dist/esm/icons/cluster-icon";
import SearchIcon from "@patternfly/react-icons/dist/esm/icons/search-icon";
import type { ReactElement } from "react";

import { FailureState } from "../../components/FailureState";
import { Loading } from "../../components/Loading";
import { useClusters } from "../../concepts/clusters";
import { FILTERS, fromFirstPage, PAGE_SIZES, useFleetView } from "../../concepts/fleet-view";
import { FleetCards } from "./FleetCards";
import { FleetSummaryLine } from "./FleetSummaryLine";
import { FleetTable } from "./FleetTable";
import { FleetToolbar } from "./FleetToolbar";

const ADD_COMMAND = "aiops cluster add my-cluster --prometheus https://prometheus.example.com";
export const NO_FILTERS = Object.fromEntries(FILTERS.map((name) => [name, null]));

function NoClusters(): ReactElement {
  return (
    <EmptyState headingLevel="h3" icon={ClusterIcon} titleText="No clusters yet">
      <EmptyStateBody>
        Add the first one above or on the command line. Your sign-in may also be limited to clusters that are not there yet.
        <CodeBlock className="aiops-command">
          <CodeBlockCode>{ADD_COMMAND}</CodeBlockCode>
        </CodeBlock>
      </EmptyStateBody>
    </EmptyState>
  );
}

function NoMatch({ onClear }: { onClear: () => void }): ReactElement {
  return (
    <EmptyState variant="sm" headingLevel="h3" icon={SearchIcon} titleText="No cluster matches these filters">
      <EmptyStateFooter>
        <EmptyStateActions>
          <Button variant="link" onClick={onClear}>
            Clear all filters
          </Button>
        </EmptyStateActions>
      </EmptyStateFooter>
    </EmptyState>
  );
}

export function FleetSection(): ReactElement {
  const [{ query, form, filtered }, change] = useFleetView();
  const clusters = useClusters(query);
  const empty = clusters.isSuccess && clusters.data.total === 0;
  return (
    <Card component="section" aria-labelledby="clusters">
      <CardTitle component="h2" id="clusters">
        Clusters
      </CardTitle>
      <CardBody>
        {!(empty && !filtered) && (
          <>
            <FleetSummaryLine />
            <FleetToolbar />
          </>
        )}
        {clusters.isPending && <Loading what="clusters" />}
        {clusters.isError && (
          <FailureState what="clusters" error={clusters.error} onRetry={() => void clusters.refetch()} />
        )}
        {empty && !filtered && <NoClusters />}
        {empty && filtered && (
          <NoMatch
            onClear={() => {
              change(fromFirstPage(NO_FILTERS));
            }}
          />
        )}
        {clusters.data && clusters.data.total > 0 && (
          <>
            {form === "cards" ? (
              <FleetCards clusters={clusters.data.items} />
            ) : (
              <FleetTable clusters={clusters.data.items} />
            )}
            <Pagination
              itemCount={clusters.data.total}
              page={query.page}
              perPage={query.page_size}
              perPageOptions={PAGE_SIZES.map((value) => ({ title: String(value), value }))}
              variant="bottom"
              onSetPage={(_, next) => {
                change({ page: next === 1 ? null : String(next) });
              }}
              onPerPageSelect={(_, size) => {
                change(fromFirstPage({ page_size: String(size) }));
              }}
            />
          </>
        )}
      </CardBody>
    </Card>
  );
}
