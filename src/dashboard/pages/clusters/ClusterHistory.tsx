import { Card, CardBody, CardTitle, Content, Label, Pagination } from "@patternfly/react-core";
import { Table, Tbody, Td, Th, Thead, Tr } from "@patternfly/react-table";
import { useState, type ReactElement } from "react";

import type { HistoryItem } from "../../api/types";
import { FailureState } from "../../components/FailureState";
import { Loading } from "../../components/Loading";
import { HISTORY_PAGE, useHealthHistory } from "../../concepts/cluster";
import { STATE_STATUS } from "../../concepts/clusters";
import { instant, measured, words } from "../../utilities/formats";

/** A strip of what one page holds, oldest at the left: one look tells whether it was a bad day. */
function Strip({ items }: { items: readonly HistoryItem[] }): ReactElement {
  const periods = items.filter(({ kind }) => kind === "AGGREGATE").reverse();
  const bad = periods.filter(({ state }) => state !== "ONLINE").length;
  const told =
    bad === 0
      ? `All of the last ${periods.length} periods of five minutes online`
      : `${bad} of the last ${periods.length} periods of five minutes not online`;
  return (
    <div role="img" aria-label={told} className="aiops-strip">
      {periods.map(({ observed_at, state, health_score }) => (
        <span
          key={observed_at}
          className={`aiops-strip__period aiops-strip__period--${STATE_STATUS[state] ?? "none"}`}
          title={`${instant(Date.parse(observed_at) / 1000)}: ${words(state)}, health ${measured(health_score)}`}
        />
      ))}
    </div>
  );
}

export function ClusterHistory({ id }: { id: string }): ReactElement {
  const [page, setPage] = useState(1);
  const history = useHealthHistory(id, page);
  return (
    <Card component="section" aria-labelledby="history">
      <CardTitle component="h2" id="history">
        Health history
      </CardTitle>
      <CardBody>
        {history.isPending && <Loading what="the history" />}
        {history.isError && (
          <FailureState what="the history" error={history.error} onRetry={() => void history.refetch()} />
        )}
        {history.data?.total === 0 && <Content component="p">Nothing yet: the first check is still under way.</Content>}
        {history.data && history.data.total > 0 && (
          <>
            <Strip items={history.data.items} />
            <Table aria-labelledby="history" variant="compact">
              <Thead>
                <Tr>
                  <Th>When</Th>
                  <Th>State</Th>
                  <Th modifier="nowrap">Health score</Th>
                  <Th>What</Th>
                </Tr>
              </Thead>
              <Tbody>
                {history.data.items.map(({ observed_at, kind, state, health_score, reason }) => {
                  const status = STATE_STATUS[state];
                  return (
                    <Tr key={`${kind} ${observed_at}`}>
                      <Td dataLabel="When">{instant(Date.parse(observed_at) / 1000)}</Td>
                      <Td dataLabel="State">
                        <Label isCompact {...(status && { status })} variant={kind === "TRANSITION" ? "filled" : "outline"}>
                          {words(state)}
                        </Label>
                      </Td>
                      <Td dataLabel="Health score">{measured(health_score)}</Td>
                      <Td dataLabel="What" className="aiops-value">
                        {kind === "TRANSITION" ? `Became ${words(state).toLowerCase()}: ${reason}` : reason}
                      </Td>
                    </Tr>
                  );
                })}
              </Tbody>
            </Table>
            <Pagination
              itemCount={history.data.total}
              page={page}
              perPage={HISTORY_PAGE}
              perPageOptions={[]}
              variant="bottom"
              onSetPage={(_, next) => {
                setPage(next);
              }}
            />
          </>
        )}
      </CardBody>
    </Card>
  );
}
