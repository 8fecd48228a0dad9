import { EmptyState, EmptyStateBody, Pagination } from "@patternfly/react-core";
import SearchIcon from "@patternfly/react-icons/dist/esm/icons/search-icon";
import { Table, Tbody, Td, Th, Thead, Tr, type ThProps } from "@patternfly/react-table";
import { useState, type ReactElement } from "react";

import type { QueryAnswer } from "../../api/types";
import { byColumn, failedClusters, resultRows, type SortColumn } from "../../concepts/metrics";
import { instant } from "../../utilities/formats";

const ROWS_PER_PAGE = 50;
const COLUMNS: readonly SortColumn[] = ["cluster", "series", "value", "time"];

export function ResultsTable({ answer }: { answer: QueryAnswer }): ReactElement {
  const [page, setPage] = useState(1);
  const [column, setColumn] = useState<SortColumn | null>(null);
  const [direction, setDirection] = useState<"asc" | "desc">("asc");
  const rows = resultRows(answer);
  if (rows.length === 0) {
    const asked = answer.federation.clusters.length;
    return (
      <EmptyState variant="sm" headingLevel="h3" icon={SearchIcon} titleText="No series match">
        <EmptyStateBody>
          {asked - failedClusters(answer).length} of {asked} clusters answered, and none of them has such a series.
        </EmptyStateBody>
      </EmptyState>
    );
  }
  const sorted = column === null ? rows : byColumn(rows, column, direction);
  const first = (page - 1) * ROWS_PER_PAGE;
  const sort = (name: SortColumn): NonNullable<ThProps["sort"]> => ({
    columnIndex: COLUMNS.indexOf(name),
    sortBy: { direction, ...(column !== null && { index: COLUMNS.indexOf(column) }) },
    onSort: (_, index, next) => {
      setColumn(COLUMNS[index] ?? null);
      setDirection(next);
      setPage(1);
    },
  });
  return (
    <>
      <Table aria-label="Results of the query" variant="compact">
        <Thead>
          <Tr>
            <Th sort={sort("cluster")} modifier="nowrap">
              Cluster
            </Th>
            <Th sort={sort("series")}>Series</Th>
            <Th sort={sort("value")}>Value</Th>
            <Th sort={sort("time")}>Time</Th>
          </Tr>
        </Thead>
        <Tbody>
          {sorted.slice(first, first + ROWS_PER_PAGE).map((row, index) => (
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
