// Which clusters a page is about. Typing narrows the list, so that two hundred of them are as quick as two.
import {
  Badge,
  Button,
  Divider,
  MenuFooter,
  MenuSearch,
  MenuSearchInput,
  MenuToggle,
  SearchInput,
  Select,
  SelectList,
  SelectOption,
} from "@patternfly/react-core";
import ClusterIcon from "@patternfly/react-icons/dist/esm/icons/cluster-icon";
import { useState, type ReactElement } from "react";

import { STATE_STATUS } from "../../concepts/clusters";
import { useDirectory, useScope } from "../../concepts/scope";
import { words } from "../../utilities/formats";

const SHOWN_AT_ONCE = 100;

export function ScopePicker(): ReactElement {
  const [scope, setScope] = useScope();
  const directory = useDirectory();
  const [open, setOpen] = useState(false);
  const [typed, setTyped] = useState("");
  const chosen = new Set(scope.names);
  const wanted = typed.trim().toLowerCase();
  const matching = (directory.data ?? []).filter(
    ({ name, display_name }) => name.includes(wanted) || display_name.toLowerCase().includes(wanted),
  );
  const label = scope.names.length === 0 ? "All clusters" : scope.names.length === 1 ? (scope.names[0] ?? "") : "Clusters";
  const toggle = (name: string): void => {
    setScope(chosen.has(name) ? scope.names.filter((one) => one !== name) : [...scope.names, name]);
  };
  return (
    <Select
      role="menu"
      isOpen={open}
      onOpenChange={setOpen}
      onSelect={(_, value) => {
        toggle(String(value));
      }}
      isScrollable
      maxMenuHeight="24rem"
      toggle={(ref) => (
        <MenuToggle
          ref={ref}
          icon={<ClusterIcon />}
          isExpanded={open}
          {...(scope.unknown.length > 0 && { status: "warning" as const })}
          {...(scope.names.length > 1 && { badge: <Badge isRead>{scope.names.length}</Badge> })}
          onClick={() => {
            setOpen(!open);
          }}
          aria-label={scope.names.length > 1 ? `${label} ${scope.names.length}: ${scope.names.join(", ")}` : `Scope: ${label}`}
        >
          <span className="aiops-wide-only">{label}</span>
        </MenuToggle>
      )}
    >
      <MenuSearch>
        <MenuSearchInput>
          <SearchInput
            aria-label="Find a cluster"
            placeholder="Find a cluster"
            value={typed}
            onChange={(_, value) => {
              setTyped(value);
            }}
            onClear={() => {
              setTyped("");
            }}
          />
        </MenuSearchInput>
      </MenuSearch>
      <Divider />
      <SelectList aria-label="Clusters">
        {scope.unknown.map((name) => (
          <SelectOption key={name} value={name} hasCheckbox isSelected isDanger description="There is no such cluster.">
            {name}
          </SelectOption>
        ))}
        {matching.slice(0, SHOWN_AT_ONCE).map(({ id, name, status }) => (
          <SelectOption
            key={id}
            value={name}
            hasCheckbox
            isSelected={chosen.has(name)}
            {...(STATE_STATUS[status.state] !== "success" && { description: words(status.state) })}
          >
            {name}
          </SelectOption>
        ))}
        {matching.length === 0 && (
          <SelectOption isDisabled>{directory.isPending ? "Reading the clusters" : "No cluster matches"}</SelectOption>
        )}
        {matching.length > SHOWN_AT_ONCE && (
          <SelectOption isDisabled>{matching.length - SHOWN_AT_ONCE} more: type a part of the name</SelectOption>
        )}
      </SelectList>
      <MenuFooter>
        <Button
          variant="link"
          isInline
          isDisabled={scope.names.length === 0}
          onClick={() => {
            setScope([]);
          }}
        >
          All clusters
        </Button>
      </MenuFooter>
    </Select>
  );
}
