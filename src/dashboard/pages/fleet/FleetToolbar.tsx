import {
  FormSelect,
  FormSelectOption,
  SearchInput,
  ToggleGroup,
  ToggleGroupItem,
  Toolbar,
  ToolbarContent,
  ToolbarItem,
} from "@patternfly/react-core";
import ListIcon from "@patternfly/react-icons/dist/esm/icons/list-icon";
import ThIcon from "@patternfly/react-icons/dist/esm/icons/th-icon";
import type { ReactElement } from "react";

import { CLUSTER_TYPES, ENVIRONMENTS, STATES } from "../../concepts/clusters";
import { fromFirstPage, useFleetView, type FilterName } from "../../concepts/fleet-view";
import { words } from "../../utilities/formats";

const CHOICES: readonly (readonly [name: FilterName, label: string, values: readonly string[]])[] = [
  ["state", "State", STATES],
  ["environment", "Environment", ENVIRONMENTS],
  ["cluster_type", "Type", CLUSTER_TYPES],
];

export function FleetToolbar(): ReactElement {
  const [{ query, form }, change] = useFleetView();
  return (
    <Toolbar inset={{ default: "insetNone" }} className="aiops-filters">
      <ToolbarContent>
        <ToolbarItem>
          <SearchInput
            aria-label="Find clusters by name, region or label"
            placeholder="Find clusters"
            value={query.search ?? ""}
            onChange={(_, value) => {
              change(fromFirstPage({ search: value }), "replace");
            }}
            onClear={() => {
              change(fromFirstPage({ search: null }));
            }}
          />
        </ToolbarItem>
        {CHOICES.map(([name, label, values]) => (
          <ToolbarItem key={name}>
            <FormSelect
              aria-label={label}
              value={query[name] ?? ""}
              onChange={(_, value) => {
                change(fromFirstPage({ [name]: value }));
              }}
            >
              <FormSelectOption value="" label={`${label}: any`} />
              {values.map((value) => (
                <FormSelectOption key={value} value={value} label={words(value)} />
              ))}
            </FormSelect>
          </ToolbarItem>
        ))}
        <ToolbarItem align={{ default: "alignEnd" }}>
          <ToggleGroup aria-label="Show as">
            <ToggleGroupItem
              icon={<ListIcon />}
              aria-label="Table"
              isSelected={form === "table"}
              onChange={() => {
                change({ view: null });
              }}
            />
            <ToggleGroupItem
              icon={<ThIcon />}
              aria-label="Cards"
              isSelected={form === "cards"}
              onChange={() => {
                change({ view: "cards" });
              }}
            />
          </ToggleGroup>
        </ToolbarItem>
      </ToolbarContent>
    </Toolbar>
  );
}
