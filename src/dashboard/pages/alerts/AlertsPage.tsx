import {
  Drawer,
  DrawerContent,
  DrawerContentBody,
  PageSection,
  Stack,
  StackItem,
  Title,
} from "@patternfly/react-core";
import { useRef, type ReactElement } from "react";

import { useAlertView } from "../../concepts/alerts";
import { AlertDetail } from "./AlertDetail";
import { AlertFilters } from "./AlertFilters";
import { AlertResults } from "./AlertResults";

export function AlertsPage(): ReactElement {
  const [{ alert }, change] = useAlertView();
  // Where the keyboard was when the detail opened, and goes back to when it closes.
  const opener = useRef<HTMLElement | null>(null);
  const open = (id: string, from: HTMLElement): void => {
    opener.current = from;
    change({ alert: id });
  };
  const close = (): void => {
    change({ alert: null });
    opener.current?.focus();
  };
  return (
    <Drawer isExpanded={alert !== null} isInline>
      <DrawerContent
        panelContent={alert === null ? null : <AlertDetail key={alert} id={alert} onClose={close} />}
      >
        <DrawerContentBody>
          <PageSection>
            <Title headingLevel="h1">Alerts</Title>
          </PageSection>
          <PageSection isFilled>
            <Stack hasGutter>
              <StackItem>
                <AlertFilters />
              </StackItem>
              <StackItem>
                <AlertResults onOpen={open} />
              </StackItem>
            </Stack>
          </PageSection>
        </DrawerContentBody>
      </DrawerContent>
    </Drawer>
  );
}
