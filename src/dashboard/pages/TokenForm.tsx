import {
  ActionGroup,
  Alert,
  Button,
  Form,
  FormGroup,
  FormHelperText,
  HelperText,
  HelperTextItem,
  TextInput,
} from "@patternfly/react-core";
import { useState, type ReactElement, type SyntheticEvent } from "react";

import { useSignIn } from "../concepts/session";
import { asFailure } from "../utilities/failure";

const TOKEN_ID = "token";

export function TokenForm(): ReactElement {
  const [token, setToken] = useState("");
  const signIn = useSignIn();
  const failure = signIn.isError ? asFailure(signIn.error) : null;
  const submit = (event: SyntheticEvent): void => {
    event.preventDefault();
    if (token.trim() !== "") signIn.mutate(token.trim());
  };
  return (
    <Form onSubmit={submit}>
      {failure && (
        <Alert variant="danger" isInline component="h2" title={`Not signed in: ${failure.code}`}>
          {failure.message}
        </Alert>
      )}
      <FormGroup label="API token" fieldId={TOKEN_ID} isRequired>
        <TextInput
          id={TOKEN_ID}
          type="password"
          autoComplete="current-password"
          value={token}
          onChange={(_, value) => {
            setToken(value);
          }}
          validated={failure?.signedOut ? "error" : "default"}
          aria-describedby="token-help"
          isRequired
          autoFocus
        />
        <FormHelperText>
          <HelperText id="token-help">
            <HelperTextItem>
              The first start of <code>aiops up</code> prints one. Others: <code>aiops token create</code>.
            </HelperTextItem>
          </HelperText>
        </FormHelperText>
      </FormGroup>
      <ActionGroup>
        <Button type="submit" isBlock isLoading={signIn.isPending} isDisabled={token.trim() === "" || signIn.isPending}>
          Sign in
        </Button>
      </ActionGroup>
    </Form>
  );
}
