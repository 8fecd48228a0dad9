// How the hub goes about a query on the whole fleet: what is asked of whom, word for word, and what is finished here.
import {
  CodeBlock,
  CodeBlockCode,
  Content,
  DescriptionList,
  DescriptionListDescription,
  DescriptionListGroup,
  DescriptionListTerm,
  ExpandableSection,
  Label,
} from "@patternfly/react-core";
import { useState, type ReactElement } from "react";

import type { QueryPlan } from "../../api/types";
import { FailureState } from "../../components/FailureState";
import { Loading } from "../../components/Loading";
import { usePlan, type Answered } from "../../concepts/explore";
import { askedOf } from "../../concepts/query-plan";

function Query({ text }: { text: string }): ReactElement {
  return (
    <CodeBlock>
      <CodeBlockCode className="aiops-series">{text}</CodeBlockCode>
    </CodeBlock>
  );
}

function PlanSteps({ plan, clusters }: { plan: QueryPlan; clusters: number }): ReactElement {
  return (
    <>
      <Content component="p">{plan.summary}</Content>
      <DescriptionList aria-label="Steps of the plan">
        {plan.pushed.map(({ name, query, clusters: asked, why }) => (
          <DescriptionListGroup key={`${name} ${query}`}>
            <DescriptionListTerm>
              {plan.finish === null ? "" : `${name} `}
              asked of {askedOf(asked, clusters)}
            </DescriptionListTerm>
            <DescriptionListDescription>
              <Query text={query} />
              <span className="aiops-message">{why}</span>
            </DescriptionListDescription>
          </DescriptionListGroup>
        ))}
        {plan.finish !== null && (
          <DescriptionListGroup>
            <DescriptionListTerm>Finished by the hub</DescriptionListTerm>
            <DescriptionListDescription>
              <Query text={plan.finish} />
            </DescriptionListDescription>
          </DescriptionListGroup>
        )}
      </DescriptionList>
    </>
  );
}

interface Props {
  answered: Answered;
  query: string;
  clusterIds: readonly string[];
}

export function PlanPanel({ answered, query, clusterIds }: Props): ReactElement {
  const [open, setOpen] = useState(false);
  const { mode, exact, clusters } = answered.answer.federation;
  const global = mode === "global";
  const plan = usePlan(query, answered.span, clusterIds, open && global);
  return (
    <ExpandableSection
      toggleContent={
        <>
          How it was asked{" "}
          <Label isCompact color={exact ? "green" : "yellow"}>
            {exact ? "exact" : "not exact"}
          </Label>
        </>
      }
      isExpanded={open}
      onToggle={(_, next) => {
        setOpen(next);
      }}
    >
      {!global && <Content component="p">Each cluster answered the whole query for itself; nothing was computed across clusters.</Content>}
      {plan.isLoading && <Loading what="the plan" />}
      {plan.isError && <FailureState what="the plan" error={plan.error} onRetry={() => void plan.refetch()} />}
      {plan.data && <PlanSteps plan={plan.data} clusters={clusters.length} />}
    </ExpandableSection>
  );
}
