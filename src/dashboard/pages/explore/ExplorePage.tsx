import { PageSection, Title } from "@patternfly/react-core";
import type { ReactElement } from "react";

import { QuerySection } from "./QuerySection";

export function ExplorePage(): ReactElement {
  return (
    <>
      <PageSection>
        <Title headingLevel="h1">Explore metrics</Title>
      </PageSection>
      <PageSection isFilled>
        <QuerySection />
      </PageSection>
    </>
  );
}
