import { Alert, Button, Form, Modal, ModalBody, ModalFooter, ModalHeader, ModalVariant } from "@patternfly/react-core";
import { useState, type ReactElement, type SyntheticEvent } from "react";

import { useAddCluster } from "../../concepts/cluster";
import { emptyDraft, fieldOf, problemsOf, type Draft } from "../../concepts/cluster-draft";
import { asFailure } from "../../utilities/failure";
import { navigate } from "../../utilities/url-state";
import { ClusterFields } from "./ClusterFields";
import { WebhookReceiver } from "./WebhookReceiver";

const FORM_ID = "add-cluster";

/** What was refused may be out of sight. */
function lookAt(field: string | null): void {
  if (field !== null) document.getElementById(`cluster-${field}`)?.focus();
}

export function AddClusterDialog({ onClose }: { onClose: () => void }): ReactElement {
  const [draft, setDraft] = useState(emptyDraft);
  // Nobody is told of what is wrong before they had a chance to write it.
  const [submitted, setSubmitted] = useState(false);
  const add = useAddCluster();
  const failure = add.isError ? asFailure(add.error) : null;
  const refused = failure === null ? null : fieldOf(failure.code, failure.message);
  const local = problemsOf(draft);
  const problems = {
    ...(submitted && local),
    ...(draft.name !== "" && local["name"] !== undefined && draft.name.length > 2 && { name: local["name"] }),
    ...(failure !== null && refused !== null && { [refused]: failure.message }),
  };
  const change = (changes: Partial<Draft>): void => {
    setDraft({ ...draft, ...changes });
    if (add.isError) add.reset();
  };
  const submit = (event: SyntheticEvent): void => {
    event.preventDefault();
    setSubmitted(true);
    const [wrong] = Object.keys(local);
    if (wrong !== undefined) {
      lookAt(wrong);
      return;
    }
    add.mutate(draft, {
      onError: (thrown) => {
        const { code, message } = asFailure(thrown);
        lookAt(fieldOf(code, message));
      },
    });
  };
  if (add.isSuccess) {
    const { name, webhook } = add.data;
    return (
      <Modal isOpen variant={ModalVariant.medium} aria-labelledby="cluster-added" onClose={onClose}>
        <ModalHeader title={`${name} is registered`} labelId="cluster-added" description="The hub is asking it already." />
        <ModalBody>
          <WebhookReceiver webhook={webhook} />
        </ModalBody>
        <ModalFooter>
          <Button
            onClick={() => {
              onClose();
              navigate(`/clusters/${name}`);
            }}
          >
            Open the cluster
          </Button>
          <Button variant="link" onClick={onClose}>
            Close
          </Button>
        </ModalFooter>
      </Modal>
    );
  }
  return (
    <Modal isOpen variant={ModalVariant.medium} aria-labelledby="add-cluster-title" onClose={onClose}>
      <ModalHeader title="Add a cluster" labelId="add-cluster-title" />
      <ModalBody>
        <Form id={FORM_ID} onSubmit={submit} noValidate>
          {failure !== null && refused === null && (
            <Alert variant="danger" isInline component="h2" title={`Not registered: ${failure.code}`}>
              {failure.message}
            </Alert>
          )}
          <ClusterFields draft={draft} onChange={change} problems={problems} isNew />
        </Form>
      </ModalBody>
      <ModalFooter>
        <Button type="submit" form={FORM_ID} isLoading={add.isPending} isDisabled={add.isPending}>
          Add
        </Button>
        <Button variant="link" onClick={onClose}>
          Cancel
        </Button>
      </ModalFooter>
    </Modal>
  );
}
