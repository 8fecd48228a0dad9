import {
  ActionGroup,
  Button,
  Dropdown,
  DropdownItem,
  DropdownList,
  Form,
  FormGroup,
  FormHelperText,
  HelperText,
  HelperTextItem,
  MenuToggle,
  Modal,
  ModalBody,
  ModalHeader,
  ModalVariant,
  TextInput,
} from "@patternfly/react-core";
import ClockIcon from "@patternfly/react-icons/dist/esm/icons/clock-icon";
import { useState, type ReactElement, type SyntheticEvent } from "react";

import { useTimeRange } from "../../concepts/time-range";
import { fromField, PRESETS, rangeLabel, resolved, toField, type TimeRange } from "../../utilities/time-range";

interface CustomProps {
  range: TimeRange;
  onChoose: (range: TimeRange) => void;
  onClose: () => void;
}

function CustomRange({ range, onChoose, onClose }: CustomProps): ReactElement {
  const [opened] = useState(() => resolved(range, new Date()));
  const [from, setFrom] = useState(() => (opened ? toField(opened.start) : ""));
  const [to, setTo] = useState(() => (opened ? toField(opened.end) : ""));
  const [start, end] = [fromField(from), fromField(to)];
  const chosen = start !== null && end !== null && start < end ? { from: start, to: end } : null;
  const submit = (event: SyntheticEvent): void => {
    event.preventDefault();
    if (chosen) onChoose(chosen);
  };
  return (
    <Modal isOpen variant={ModalVariant.small} aria-labelledby="fixed-range" onClose={onClose}>
      <ModalHeader title="From one moment to another" labelId="fixed-range" />
      <ModalBody>
        <Form onSubmit={submit}>
          <FormGroup label="From" fieldId="range-from" isRequired>
            <TextInput id="range-from" type="datetime-local" value={from} onChange={(_, value) => { setFrom(value); }} />
          </FormGroup>
          <FormGroup label="To" fieldId="range-to" isRequired>
            <TextInput
              id="range-to"
              type="datetime-local"
              value={to}
              validated={chosen ? "default" : "error"}
              aria-describedby="range-help"
              onChange={(_, value) => {
                setTo(value);
              }}
            />
            <FormHelperText>
              <HelperText id="range-help">
                <HelperTextItem variant={chosen ? "default" : "error"}>
                  {chosen ? "In this computer's time zone." : "The end must be after the start."}
                </HelperTextItem>
              </HelperText>
            </FormHelperText>
          </FormGroup>
          <ActionGroup>
            <Button type="submit" isDisabled={chosen === null}>
              Show
            </Button>
            <Button variant="link" onClick={onClose}>
              Cancel
            </Button>
          </ActionGroup>
        </Form>
      </ModalBody>
    </Modal>
  );
}

export function TimeRangePicker(): ReactElement {
  const [range, setRange] = useTimeRange();
  const [open, setOpen] = useState(false);
  const [custom, setCustom] = useState(false);
  return (
    <>
      <Dropdown
        isOpen={open}
        onOpenChange={setOpen}
        isScrollable
        onSelect={() => {
          setOpen(false);
        }}
        toggle={(ref) => (
          <MenuToggle
            ref={ref}
            icon={<ClockIcon />}
            isExpanded={open}
            aria-label={`Time range: ${rangeLabel(range)}`}
            onClick={() => {
              setOpen(!open);
            }}
          >
            <span className="aiops-wide-only">{rangeLabel(range)}</span>
          </MenuToggle>
        )}
      >
        <DropdownList>
          {PRESETS.map(([duration, label]) => (
            <DropdownItem
              key={duration}
              isSelected={range.to === "now" && range.from === `now-${duration}`}
              onClick={() => {
                setRange({ from: `now-${duration}`, to: "now" });
              }}
            >
              {label}
            </DropdownItem>
          ))}
          <DropdownItem
            key="custom"
            onClick={() => {
              setCustom(true);
            }}
          >
            Choose from and to
          </DropdownItem>
        </DropdownList>
      </Dropdown>
      {custom && (
        <CustomRange
          range={range}
          onChoose={(chosen) => {
            setRange(chosen);
            setCustom(false);
          }}
          onClose={() => {
            setCustom(false);
          }}
        />
      )}
    </>
  );
}
