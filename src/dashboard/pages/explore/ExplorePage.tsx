import { Card, CardBody, CardTitle, Content, EmptyState, EmptyStateBody, PageSection, Stack, StackItem, Title } from "@patternfly/react-core";
import SearchIcon from "@patternfly/react-icons/dist/esm/icons/search-icon";
import { useState, type ReactElement } from "react";

import { FailureState } from "../../components/FailureState";
import { Loading } from "../../components/Loading";
import { readHistory, useExplore, useExploreView, withQuery, writeHistory } from "../../concepts/explore";
import { useScope } from "../../concepts/scope";
import { useTimeRange } from "../../concepts/time-range";
import { FederationNotice } from "./FederationNotice";
import { GraphPanel } from "./GraphPanel";
import { PlanPanel } from "./PlanPanel";
import { QueryBar } from "./QueryBar";
import { ResultsTable } from "./ResultsTable";

function Welcome(): ReactElement {
  return (
    <EmptyState headingLevel="h2" icon={SearchIcon} titleText="Ask the whole fleet">
      <EmptyStateBody>
        Write PromQL above: names, labels and functions are proposed while you type. Every chosen cluster answers, and one that
        does not is named.
      </EmptyStateBody>
    </EmptyState>
  );
}

export function ExplorePage(): ReactElement {
  const [view, change] = useExploreView();
  const [range] = useTimeRange();
  const [scope] = useScope();
  const [run, setRun] = useState(0);
  const [history, setHistory] = useState(readHistory);
  const explored = useExplore(view, range, scope.ids, run);
  const remember = (next: string[]): void => {
    setHistory(next);
    writeHistory(next);
  };
  const ask = (query: string): void => {
    if (query.trim() === "") return;
    remember(withQuery(history, query.trim()));
    change({ query: query.trim() });
    setRun(run + 1);
  };
  return (
    <>
      <PageSection>
        <Title headingLevel="h1">Explore metrics</Title>
      </PageSection>
      <PageSection isFilled>
        <Stack hasGutter>
          <StackItem>
            <QueryBar
              history={history}
              asking={explored.isFetching}
              span={explored.data?.span ?? null}
              onAsk={ask}
              onForget={() => {
                remember([]);
              }}
            />
          </StackItem>
          <StackItem aria-live="polite">
            {view.query === "" && <Welcome />}
            {scope.names.length > 0 && scope.ids === undefined && scope.unknown.length > 0 && (
              <Content component="p">There is no cluster {scope.unknown.join(", ")}; choose others above.</Content>
            )}
            {explored.isFetching && <Loading what="the answer" />}
            {!explored.isFetching && explored.isError && (
              <FailureState
                what="the answer"
                error={explored.error}
                onRetry={() => {
                  ask(view.query);
                }}
              />
            )}
          </StackItem>
          {!explored.isFetching && explored.data && (
            <>
              <StackItem>
                <FederationNotice answer={explored.data.answer} />
                <PlanPanel key={run} answered={explored.data} query={view.query} clusterIds={scope.ids ?? []} />
              </StackItem>
              {explored.data.grid !== null && explored.data.answer.results.some(({ data }) => data.length > 0) && (
                <StackItem>
                  <GraphPanel answered={explored.data} />
                </StackItem>
              )}
              <StackItem>
                <Card component="section" aria-labelledby="table">
                  <CardTitle component="h2" id="table">
                    {explored.data.grid === null ? "Values" : "Last values"}
                  </CardTitle>
                  <CardBody>
                    <ResultsTable answer={explored.data.answer} />
                  </CardBody>
                </Card>
              </StackItem>
            </>
          )}
        </Stack>
      </PageSection>
    </>
  );
}
