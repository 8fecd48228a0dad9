import { Bullseye, Card, CardBody, CardHeader, CardTitle, Content, Stack, StackItem } from "@patternfly/react-core";
import type { ReactElement } from "react";

import { Brand } from "../components/Brand";
import { TokenForm } from "./TokenForm";

export function SignInPage(): ReactElement {
  return (
    <Bullseye component="main" className="aiops-sign-in">
      <Stack hasGutter className="aiops-sign-in__card">
        <StackItem>
          <Card isLarge>
            <CardHeader>
              <Brand />
            </CardHeader>
            <CardTitle component="h1">Sign in to your fleet</CardTitle>
            <CardBody>
              <TokenForm />
            </CardBody>
          </Card>
        </StackItem>
        <StackItem>
          <Content component="small">
            API reference: <a href="/docs">try it out</a> or <a href="/redoc">read it</a>
          </Content>
        </StackItem>
      </Stack>
    </Bullseye>
  );
}
