import { Button, Flex, FlexItem, PageSection, Stack, StackItem, Title } from "@patternfly/react-core";
import { lazy, Suspense, useState, type ReactElement } from "react";

import { useMay } from "../../concepts/session";
import { FleetSection } from "./FleetSection";
import { UrgentSection } from "./UrgentSection";

const AddClusterDialog = lazy(async () => ({
  default: (await import("../clusters/AddClusterDialog")).AddClusterDialog,
}));

export function FleetPage(): ReactElement {
  const [adding, setAdding] = useState(false);
  const mayAdd = useMay("clusters:write");
  return (
    <>
      <PageSection>
        <Flex>
          <FlexItem>
            <Title headingLevel="h1">Fleet</Title>
          </FlexItem>
          {mayAdd && (
            <FlexItem align={{ default: "alignRight" }}>
              <Button
                onClick={() => {
                  setAdding(true);
                }}
              >
                Add a cluster
              </Button>
            </FlexItem>
          )}
        </Flex>
      </PageSection>
      <PageSection isFilled>
        <Stack hasGutter>
          <StackItem>
            <UrgentSection />
          </StackItem>
          <StackItem>
            <FleetSection />
          </StackItem>
        </Stack>
      </PageSection>
      {adding && (
        <Suspense>
          <AddClusterDialog
            onClose={() => {
              setAdding(false);
            }}
          />
        </Suspense>
      )}
    </>
  );
}
