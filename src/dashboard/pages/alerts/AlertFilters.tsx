import {
  Button,
  Label,
  LabelGroup,
  SearchInput,
  ToggleGroup,
  ToggleGroupItem,
  Toolbar,
  ToolbarContent,
  ToolbarItem,
} from "@patternfly/react-core";
import type { ReactElement } from "react";

import {
  isNarrowed,
  joinLabels,
  NO_FILTERS,
  SEVERITIES,
  SEVERITY_STATUS,
  stateParameter,
  STATES,
  useAlerts,
  useAlertView,
  VIEWS,
  type AlertView,
  type AlertViewName,
} from "../../concepts/alerts";
import { words } from "../../utilities/formats";

const VIEW_LABEL: Readonly<Record<AlertViewName, string>> = { list: "List", cluster: "By cluster", name: "By name" };

/** What narrows the list beside state and severity, each with what takes it away. */
function chosen(view: AlertView): { text: string; without: Record<string, string | null> }[] {
  return [
    ...(view.alertname === "" ? [] : [{ text: `Name: ${view.alertname}`, without: { alertname: null } }]),
    ...(view.namespace === "" ? [] : [{ text: `Namespace: ${view.namespace}`, without: { namespace: null } }]),
    ...view.labels.map((label) => ({
      text: label,
      without: { label: joinLabels(view.labels.filter((one) => one !== label)) },
    })),
  ];
}

export function AlertFilters(): ReactElement {
  const [view, change] = useAlertView();
  const { summary } = useAlerts(view);
  const others = chosen(view);
  return (
    <>
      <Toolbar inset={{ default: "insetNone" }} className="aiops-filters">
        <ToolbarContent>
          <ToolbarItem>
            <SearchInput
              aria-label="Find alerts by name, message, cluster or label"
              placeholder="Find alerts"
              value={view.search}
              onChange={(_, value) => {
                change({ search: value, page: null }, "replace");
              }}
              onClear={() => {
                change({ search: null, page: null });
              }}
            />
          </ToolbarItem>
          <ToolbarItem>
            <ToggleGroup aria-label="State">
              {[...STATES, null].map((state) => (
                <ToggleGroupItem
                  key={state ?? "any"}
                  text={state === null ? "Any" : words(state)}
                  isSelected={view.state === state}
                  onChange={() => {
                    change({ state: stateParameter(state), page: null });
                  }}
                />
              ))}
            </ToggleGroup>
          </ToolbarItem>
          <ToolbarItem align={{ default: "alignEnd" }}>
            <ToggleGroup aria-label="Show as">
              {VIEWS.map((name) => (
                <ToggleGroupItem
                  key={name}
                  text={VIEW_LABEL[name]}
                  isSelected={view.view === name}
                  onChange={() => {
                    change({ view: name === "list" ? null : name, page: null });
                  }}
                />
              ))}
            </ToggleGroup>
          </ToolbarItem>
        </ToolbarContent>
      </Toolbar>
      <LabelGroup aria-label="By severity" numLabels={SEVERITIES.length} className="aiops-label-row">
        {SEVERITIES.map((severity) => (
          <Label
            key={severity}
            status={SEVERITY_STATUS[severity]}
            variant={view.severity === severity ? "filled" : "outline"}
            onClick={() => {
              change({ severity: view.severity === severity ? null : severity, page: null });
            }}
          >
            {summary.data?.by_severity[severity] ?? "…"} {words(severity).toLowerCase()}
            {view.severity === severity && <span className="pf-v6-screen-reader">, chosen</span>}
          </Label>
        ))}
      </LabelGroup>
      {(others.length > 0 || isNarrowed(view)) && (
        <LabelGroup aria-label="Chosen filters" numLabels={10} className="aiops-label-row">
          {others.map(({ text, without }) => (
            <Label
              key={text}
              variant="outline"
              closeBtnAriaLabel={`Remove the filter ${text}`}
              onClose={() => {
                change({ ...without, page: null });
              }}
            >
              {text}
            </Label>
          ))}
          <Button
            variant="link"
            isInline
            onClick={() => {
              change(NO_FILTERS);
            }}
          >
            Clear all filters
          </Button>
        </LabelGroup>
      )}
    </>
  );
}
