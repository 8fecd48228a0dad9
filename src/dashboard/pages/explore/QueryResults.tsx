// One federated answer: first who is missing from it, then what came.
import { Alert, Content, EmptyState, EmptyStateBody, List, ListItem, Pagination } from "@patternfly/react-core";
import SearchIcon from "@patternfly/react-icons/dist/esm/icons/search-icon";
import { Table, Tbody, Td, Th, Thead, Tr } from "@patternfly/react-table";
import { useState, type ReactElement } from "react";

import type { QueryAnswer } from "../../api/types";
import { failedClusters, resultRows, type ResultRow } from "../../concepts/metrics";
import { instant, listed, words } from "../../utilities/formats";

const ROWS_PER_PAGE = 50;

function MissingClusters({ answer }: { answer: QueryAnswer }): ReactElement | null {
  const failed = failedClusters(answer);
  if (failed.length === 0) return null;
  const names = listed(failed.map(({ cluster_name }) => cluster_name));
  const complete = failed.every(({ status }) => status === "PARTIAL") ? "in full" : "";
  return (
    <Alert variant="warning" isInline component="h3" title={`Partial answer: ${names} did not answer ${complete}`.trim()}>
      <List>
        {failed.map(({ cluster_id, cluster_name, status, error }) => (
          <ListItem key={cluster_id}>
            <strong>{cluster_name}</strong>: {error ?? words(status).toLowerCase()}
          </ListItem>
        ))}
      </List>
    </Alert>
  );
}

function Rows({ rows }: { rows: readonly ResultRow[] }): ReactElement {
  const [page, setPage] = useState(1);
  const first = (page - 1) * ROWS_PER_PAGE;
  return (
    <>
      <Table aria-label="Results of the query" variant="compact">
        <Thead>
          <Tr>
            <Th>Cluster</Th>
            <Th>Series</Th>
            <Th>Value</Th>
            <Th>Time</Th>
          </Tr>
        </Thead>
        <Tbody>
          {rows.slice(first, first + ROWS_PER_PAGE).map((row, index) => (
            <Tr key={first + index}>
              <Td dataLabel="Cluster">{row.cluster}</Td>
              <Td dataLabel="Series" className="aiops-series">
                {row.series}
              </Td>
              <Td dataLabel="Value" className="aiops-value">
                {row.value}
              </Td>
              <Td dataLabel="Time">{row.time === null ? "none" : instant(row.time)}</Td>
            </Tr>
          ))}
        </Tbody>
      </Table>
      {rows.length > ROWS_PER_PAGE && (
        <Pagination
          itemCount={rows.length}
          page={page}
          perPage={ROWS_PER_PAGE}
          perPageOptions={[]}
          variant="bottom"
          onSetPage={(_, next) => {
            setPage(next);
          }}
        />
      )}
    </>
  );
}

export function QueryResults({ answer }: { answer: QueryAnswer }): ReactElement {
  const rows = resultRows(answer);
  const asked = answer.federation.clusters.length;
  const answered = asked - failedClusters(answer).length;
  return (
    <>
      <MissingClusters answer={answer} />
      {answer.warnings.map((warning) => (
        <Alert key={warning} variant="warning" isInline isPlain component="h3" title={warning} />
      ))}
      {answer.federation.truncated && (
        <Alert variant="warning" isInline isPlain component="h3" title="The answer was cut at the hub's limit." />
      )}
      {rows.length === 0 ? (
        <EmptyState variant="sm" headingLevel="h3" icon={SearchIcon} titleText="No series match">
          <EmptyStateBody>
            {answered} of {asked} clusters answered, and none of them has such a series now.
          </EmptyStateBody>
        </EmptyState>
      ) : (
        <>
          <Content component="p">
            {rows.length} series from {answered} of {asked} clusters
          </Content>
          <Rows rows={rows} />
        </>
      )}
    </>
  );
}
