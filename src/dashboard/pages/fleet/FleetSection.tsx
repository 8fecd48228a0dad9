import {
  Card,
  CardBody,
  CardTitle,
  CodeBlock,
  CodeBlockCode,
  EmptyState,
  EmptyStateBody,
  Flex,
  FlexItem,
  Label,
  LabelGroup,
  Pagination,
} from "@patternfly/react-core";
import ClusterIcon from "@patternfly/react-icons/dist/esm/icons/cluster-icon";
import { useState, type ReactElement } from "react";

import type { FleetSummary } from "../../api/types";
import { FailureState } from "../../components/FailureState";
import { Loading } from "../../components/Loading";
import { STATE_STATUS, STATES, useClusters, useFleetSummary } from "../../concepts/clusters";
import { measured, words } from "../../utilities/formats";
import { useParameters } from "../../utilities/url-state";
import { FleetTable } from "./FleetTable";

const PAGE_SIZES = [10, 20, 50, 100];
const ADD_COMMAND = "aiops cluster add my-cluster --prometheus https://prometheus.example.com";

function NoClusters(): ReactElement {
  return (
    <EmptyState headingLevel="h3" icon={ClusterIcon} titleText="No clusters yet">
      <EmptyStateBody>
        Register the first one on the command line. Your sign-in may also be limited to clusters that are not there yet.
        <CodeBlock className="aiops-command">
          <CodeBlockCode>{ADD_COMMAND}</CodeBlockCode>
        </CodeBlock>
      </EmptyStateBody>
    </EmptyState>
  );
}

function Summary({ summary }: { summary: FleetSummary }): ReactElement {
  const present = STATES.filter((state) => (summary.by_state[state] ?? 0) > 0);
  return (
    <Flex columnGap={{ default: "columnGapLg" }}>
      <FlexItem>
        <LabelGroup aria-label="Clusters by state" numLabels={STATES.length}>
          {present.map((state) => {
            const status = STATE_STATUS[state];
            return (
              <Label key={state} variant="outline" {...(status && { status })}>
                {summary.by_state[state]} {words(state).toLowerCase()}
              </Label>
            );
          })}
        </LabelGroup>
      </FlexItem>
      <FlexItem>
        Average health: <strong>{measured(summary.avg_health_score)}</strong>
      </FlexItem>
    </Flex>
  );
}

export function FleetSection(): ReactElement {
  const [parameters, change] = useParameters();
  const [pageSize, setPageSize] = useState(10);
  const page = Math.max(1, Number.parseInt(parameters.get("page") ?? "1", 10) || 1);
  const clusters = useClusters({ page, page_size: pageSize });
  const summary = useFleetSummary();
  return (
    <Card component="section" aria-labelledby="clusters">
      <CardTitle component="h2" id="clusters">
        Clusters
      </CardTitle>
      <CardBody>
        {summary.isSuccess && summary.data.total_clusters > 0 && <Summary summary={summary.data} />}
        {summary.isError && !clusters.isError && (
          <FailureState what="the fleet summary" error={summary.error} onRetry={() => void summary.refetch()} />
        )}
        {clusters.isPending && <Loading what="clusters" />}
        {clusters.isError && (
          <FailureState what="clusters" error={clusters.error} onRetry={() => void clusters.refetch()} />
        )}
        {clusters.isSuccess && clusters.data.total === 0 && <NoClusters />}
        {clusters.data && clusters.data.total > 0 && (
          <>
            <FleetTable clusters={clusters.data.items} />
            <Pagination
              itemCount={clusters.data.total}
              page={page}
              perPage={pageSize}
              perPageOptions={PAGE_SIZES.map((value) => ({ title: String(value), value }))}
              variant="bottom"
              onSetPage={(_, next) => {
                change({ page: next === 1 ? null : String(next) });
              }}
              onPerPageSelect={(_, size) => {
                setPageSize(size);
                change({ page: null });
              }}
            />
          </>
        )}
      </CardBody>
    </Card>
  );
}
