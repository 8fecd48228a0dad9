// First who is missing from an answer, then what the hub warns of, then how long each cluster took.
import { Alert, ExpandableSection, List, ListItem } from "@patternfly/react-core";
import { Table, Tbody, Td, Th, Thead, Tr } from "@patternfly/react-table";
import { useState, type ReactElement } from "react";

import type { QueryAnswer } from "../../api/types";
import { failedClusters, otherWarnings } from "../../concepts/metrics";
import { listed, measured, words } from "../../utilities/formats";

function Missing({ answer }: { answer: QueryAnswer }): ReactElement | null {
  const failed = failedClusters(answer);
  if (failed.length === 0) return null;
  const names = listed(failed.map(({ cluster_name }) => cluster_name));
  const complete = failed.every(({ status }) => status === "PARTIAL") ? "in full" : "";
  return (
    <Alert variant="warning" isInline component="h2" title={`Partial answer: ${names} did not answer ${complete}`.trim()}>
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

export function FederationNotice({ answer }: { answer: QueryAnswer }): ReactElement {
  const [open, setOpen] = useState(false);
  const { clusters, truncated } = answer.federation;
  const answered = clusters.length - failedClusters(answer).length;
  const series = answer.results.reduce((sum, { data }) => sum + data.length, 0);
  const slowest = Math.max(0, ...clusters.map(({ query_time_ms }) => query_time_ms));
  return (
    <>
      <Missing answer={answer} />
      {otherWarnings(answer).map((warning) => (
        <Alert key={warning} variant="warning" isInline isPlain component="h2" title={warning} />
      ))}
      {truncated && <Alert variant="warning" isInline isPlain component="h2" title="The answer was cut at the hub's limit." />}
      <ExpandableSection
        toggleText={`${series} series from ${answered} of ${clusters.length} clusters, the slowest in ${measured(slowest)} ms`}
        isExpanded={open}
        onToggle={(_, next) => {
          setOpen(next);
        }}
      >
        <Table aria-label="How each cluster answered" variant="compact">
          <Thead>
            <Tr>
              <Th>Cluster</Th>
              <Th>Answer</Th>
              <Th>Time</Th>
            </Tr>
          </Thead>
          <Tbody>
            {clusters.map(({ cluster_id, cluster_name, status, query_time_ms }) => (
              <Tr key={cluster_id}>
                <Td dataLabel="Cluster">{cluster_name}</Td>
                <Td dataLabel="Answer">{words(status)}</Td>
                <Td dataLabel="Time">{measured(query_time_ms)} ms</Td>
              </Tr>
            ))}
          </Tbody>
        </Table>
      </ExpandableSection>
    </>
  );
}
