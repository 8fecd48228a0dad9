// First who is missing from an answer, then what the hub warns of, then how long each cluster took.
import { Alert, ExpandableSection, List, ListItem } from "@patternfly/react-core";
import { Table, Tbody, Td, Th, Thead, Tr } from "@patternfly/react-table";
import { useState, type ReactElement } from "react";

import type { FederationCluster, QueryAnswer } from "../../api/types";
import { failedClusters, missing, otherWarnings, worstFirst } from "../../concepts/metrics";
import { took, words } from "../../utilities/formats";

function Reasons({ clusters }: { clusters: FederationCluster[] }): ReactElement {
  return (
    <List>
      {clusters.map(({ cluster_id, cluster_name, status, error }) => (
        <ListItem key={cluster_id}>
          <strong>{cluster_name}</strong>: {error ?? words(status).toLowerCase()}
        </ListItem>
      ))}
    </List>
  );
}

function Missing({ answer }: { answer: QueryAnswer }): ReactElement | null {
  const lacking = missing(answer);
  if (lacking === null) return null;
  const { title, first, others } = lacking;
  return (
    <Alert variant="warning" isInline component="h2" title={title}>
      <Reasons clusters={first} />
      {others.length > 0 && (
        <ExpandableSection toggleText={`${others.length} more`}>
          <Reasons clusters={others} />
        </ExpandableSection>
      )}
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
    <div className="aiops-notices">
      <Missing answer={answer} />
      {otherWarnings(answer).map((warning) => (
        <Alert key={warning} variant="warning" isInline isPlain component="h2" title={warning} />
      ))}
      {truncated && <Alert variant="warning" isInline isPlain component="h2" title="The answer was cut at the hub's limit." />}
      <ExpandableSection
        toggleText={`${series} series from ${answered} of ${clusters.length} clusters, the slowest in ${took(slowest)}`}
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
            {worstFirst(clusters).map(({ cluster_id, cluster_name, status, query_time_ms }) => (
              <Tr key={cluster_id}>
                <Td dataLabel="Cluster">{cluster_name}</Td>
                <Td dataLabel="Answer">{words(status)}</Td>
                <Td dataLabel="Time">{took(query_time_ms)}</Td>
              </Tr>
            ))}
          </Tbody>
        </Table>
      </ExpandableSection>
    </div>
  );
}
