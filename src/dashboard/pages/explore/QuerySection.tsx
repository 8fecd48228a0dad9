import {
  ActionGroup,
  Button,
  Card,
  CardBody,
  CardTitle,
  Content,
  Form,
  FormGroup,
  FormHelperText,
  HelperText,
  HelperTextItem,
  TextArea,
} from "@patternfly/react-core";
import { useState, type KeyboardEvent, type ReactElement, type SyntheticEvent } from "react";

import { FailureState } from "../../components/FailureState";
import { Loading } from "../../components/Loading";
import { useMetricsQuery } from "../../concepts/metrics";
import { useScope } from "../../concepts/scope";
import { useParameters } from "../../utilities/url-state";
import { QueryResults } from "./QueryResults";

const QUERY_ID = "promql";

export function QuerySection(): ReactElement {
  const [parameters, change] = useParameters();
  const [scope] = useScope();
  const submitted = parameters.get("query");
  const [text, setText] = useState(submitted ?? "");
  const [run, setRun] = useState(0);
  const answer = useMetricsQuery(submitted, run, scope.ids);

  const start = (): void => {
    if (text.trim() === "") return;
    change({ query: text.trim() });
    setRun(run + 1);
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    // Shift+Enter is the line break; Enter alone and Ctrl+Enter run.
    if (event.key !== "Enter" || event.shiftKey || event.nativeEvent.isComposing) return;
    event.preventDefault();
    start();
  };
  const onSubmit = (event: SyntheticEvent): void => {
    event.preventDefault();
    start();
  };

  return (
    <Card component="section" aria-labelledby="query">
      <CardTitle component="h2" id="query">
        Ask all clusters
      </CardTitle>
      <CardBody>
        <Form onSubmit={onSubmit} className="aiops-query">
          <FormGroup label="PromQL" fieldId={QUERY_ID}>
            <TextArea
              id={QUERY_ID}
              value={text}
              rows={2}
              autoResize
              spellCheck={false}
              autoCapitalize="off"
              placeholder="sum by (job) (up)"
              aria-describedby="query-help"
              onChange={(_, value) => {
                setText(value);
              }}
              onKeyDown={onKeyDown}
            />
            <FormHelperText>
              <HelperText id="query-help">
                <HelperTextItem>Enter runs it now on every cluster that you may see; Shift+Enter starts a line.</HelperTextItem>
              </HelperText>
            </FormHelperText>
          </FormGroup>
          <ActionGroup>
            <Button type="submit" isDisabled={text.trim() === ""} isLoading={answer.isFetching}>
              Run
            </Button>
          </ActionGroup>
        </Form>
      </CardBody>
      <CardBody aria-live="polite">
        {submitted === null && <Content component="small">No query has run yet.</Content>}
        {submitted !== null && answer.isFetching && <Loading what="the answer" />}
        {!answer.isFetching && answer.isError && <FailureState what="the answer" error={answer.error} onRetry={start} />}
        {!answer.isFetching && answer.isSuccess && <QueryResults answer={answer.data} />}
      </CardBody>
    </Card>
  );
}
