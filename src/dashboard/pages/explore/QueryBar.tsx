import {
  Button,
  Dropdown,
  DropdownItem,
  DropdownList,
  Flex,
  FlexItem,
  FormSelect,
  FormSelectOption,
  HelperText,
  HelperTextItem,
  MenuToggle,
  ToggleGroup,
  ToggleGroupItem,
} from "@patternfly/react-core";
import { useEffect, useState, type ReactElement } from "react";

import type { Span } from "../../api/metrics";
import type { Mode } from "../../api/types";
import { PromqlEditor } from "../../components/promql-editor/PromqlEditor";
import { cliCommand, curlCommand, useExploreView } from "../../concepts/explore";
import { FleetCompletion } from "../../concepts/promql-completion";
import { useScope } from "../../concepts/scope";
import { useTheme } from "../../utilities/theme";

const STEPS = ["15s", "30s", "1m", "5m", "15m", "1h"];

interface Props {
  history: readonly string[];
  asking: boolean;
  /** Of the answer that is shown. */
  span: Span | null;
  onAsk: (query: string) => void;
  onForget: () => void;
}

function HistoryMenu({ history, onChoose, onForget }: { history: readonly string[]; onChoose: (query: string) => void; onForget: () => void }): ReactElement {
  const [open, setOpen] = useState(false);
  return (
    <Dropdown
      isOpen={open}
      onOpenChange={setOpen}
      isScrollable
      maxMenuHeight="24rem"
      onSelect={() => {
        setOpen(false);
      }}
      toggle={(ref) => (
        <MenuToggle
          ref={ref}
          isExpanded={open}
          isDisabled={history.length === 0}
          onClick={() => {
            setOpen(!open);
          }}
        >
          History
        </MenuToggle>
      )}
    >
      <DropdownList>
        {history.map((query) => (
          <DropdownItem
            key={query}
            className="aiops-series"
            onClick={() => {
              onChoose(query);
            }}
          >
            {query}
          </DropdownItem>
        ))}
        <DropdownItem key=" forget" isDanger onClick={onForget}>
          Forget all
        </DropdownItem>
      </DropdownList>
    </Dropdown>
  );
}

function CopyMenu({ query, span, mode }: { query: string; span: Span | null; mode: Mode }): ReactElement {
  const [open, setOpen] = useState(false);
  const [copied, setCopied] = useState<string | null>(null);
  const [scope] = useScope();
  const forms: [name: string, text: () => string][] = [
    ["PromQL", () => query],
    ["aiops query", () => cliCommand(query, span, scope.names, mode)],
    ["curl", () => curlCommand(window.location.origin, query, span, scope.ids ?? [], mode)],
    ["Link to this page", () => window.location.href],
  ];
  return (
    <Dropdown
      isOpen={open}
      onOpenChange={setOpen}
      onSelect={() => {
        setOpen(false);
      }}
      toggle={(ref) => (
        <MenuToggle
          ref={ref}
          isExpanded={open}
          isDisabled={query === ""}
          onClick={() => {
            setOpen(!open);
            setCopied(null);
          }}
        >
          {copied === null ? "Copy as" : `Copied: ${copied}`}
        </MenuToggle>
      )}
    >
      <DropdownList>
        {forms.map(([name, text]) => (
          <DropdownItem
            key={name}
            onClick={() => {
              void navigator.clipboard.writeText(text()).then(() => {
                setCopied(name);
              });
            }}
          >
            {name}
          </DropdownItem>
        ))}
      </DropdownList>
    </Dropdown>
  );
}

export function QueryBar({ history, asking, span, onAsk, onForget }: Props): ReactElement {
  const [view, change] = useExploreView();
  const [scope] = useScope();
  const { dark } = useTheme();
  const [text, setText] = useState(view.query);
  const [asked, setAsked] = useState(view.query);
  // Back, forward and a link bring another query; asking brings the one that stands here already.
  if (asked !== view.query) {
    setAsked(view.query);
    if (text.trim() !== view.query) setText(view.query);
  }
  const [completion] = useState(() => new FleetCompletion());
  useEffect(() => {
    completion.within(scope.ids ?? []);
  }, [completion, scope.ids]);
  const ask = (): void => {
    onAsk(text);
  };
  return (
    <>
      <PromqlEditor
        label="PromQL"
        hint="sum by (job) (rate(http_requests_total[5m]))"
        value={text}
        dark={dark}
        completion={completion}
        onChange={setText}
        onRun={ask}
      />
      <HelperText>
        <HelperTextItem>Enter asks, Shift+Enter starts a line, Ctrl+Space proposes.</HelperTextItem>
      </HelperText>
      <Flex columnGap={{ default: "columnGapSm" }} rowGap={{ default: "rowGapSm" }} className="aiops-query-actions">
        <FlexItem>
          <Button onClick={ask} isLoading={asking} isDisabled={text.trim() === ""}>
            Run
          </Button>
        </FlexItem>
        <FlexItem>
          <ToggleGroup aria-label="Over time or now">
            <ToggleGroupItem
              text="Over time"
              isSelected={view.kind === "range"}
              onChange={() => {
                change({ kind: null });
              }}
            />
            <ToggleGroupItem
              text="Now"
              isSelected={view.kind === "instant"}
              onChange={() => {
                change({ kind: "instant", anomalies: null });
              }}
            />
          </ToggleGroup>
        </FlexItem>
        <FlexItem>
          <ToggleGroup aria-label="The fleet as one, or each cluster for itself">
            <ToggleGroupItem
              text="Whole fleet"
              isSelected={view.mode === "global"}
              onChange={() => {
                change({ mode: null });
              }}
            />
            <ToggleGroupItem
              text="Each cluster"
              isSelected={view.mode === "per_cluster"}
              onChange={() => {
                change({ mode: "per_cluster" });
              }}
            />
          </ToggleGroup>
        </FlexItem>
        {view.kind === "range" && (
          <FlexItem className="aiops-filters">
            <FormSelect
              aria-label="Step"
              value={view.step}
              onChange={(_, value) => {
                change({ step: value });
              }}
            >
              <FormSelectOption value="" label={span === null ? "Step: chosen" : `Step: chosen (${span.step})`} />
              {[...new Set([...STEPS, ...(view.step === "" ? [] : [view.step])])].map((step) => (
                <FormSelectOption key={step} value={step} label={`Step: ${step}`} />
              ))}
            </FormSelect>
          </FlexItem>
        )}
        <FlexItem>
          <HistoryMenu
            history={history}
            onForget={onForget}
            onChoose={(query) => {
              setText(query);
              onAsk(query);
            }}
          />
        </FlexItem>
        <FlexItem>
          <CopyMenu query={text.trim()} span={span} mode={view.mode} />
        </FlexItem>
      </Flex>
    </>
  );
}
