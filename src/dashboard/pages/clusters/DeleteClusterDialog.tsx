import {
  Alert,
  Button,
  Content,
  Form,
  FormGroup,
  Modal,
  ModalBody,
  ModalFooter,
  ModalHeader,
  ModalVariant,
  TextInput,
} from "@patternfly/react-core";
import { useState, type ReactElement, type SyntheticEvent } from "react";

import type { Cluster } from "../../api/types";
import { useDeleteCluster } from "../../concepts/cluster";
import { asFailure } from "../../utilities/failure";
import { navigate } from "../../utilities/url-state";

const FORM_ID = "delete-cluster";

export function DeleteClusterDialog({ cluster, onClose }: { cluster: Cluster; onClose: () => void }): ReactElement {
  const [typed, setTyped] = useState("");
  const remove = useDeleteCluster();
  const submit = (event: SyntheticEvent): void => {
    event.preventDefault();
    if (typed !== cluster.name) return;
    // The event of the removal may be quicker than the answer and take this dialog away with its page: callbacks of
    // `mutate` would go with it, a promise does not.
    void remove.mutateAsync(cluster.id).then(
      () => {
        navigate("/");
      },
      () => undefined, // shown above
    );
  };
  return (
    <Modal isOpen variant={ModalVariant.small} aria-labelledby="delete-cluster-title" onClose={onClose}>
      <ModalHeader title={`Remove ${cluster.name} from the hub?`} titleIconVariant="warning" labelId="delete-cluster-title" />
      <ModalBody>
        {remove.isError && (
          <Alert variant="danger" isInline component="h2" title={`Not removed: ${asFailure(remove.error).code}`}>
            {remove.error.message}
          </Alert>
        )}
        <Content component="p">
          Its credentials, its alerts and its health history go with it, and its webhook token stops working. The audit trail
          stays, and nothing changes on the cluster itself.
        </Content>
        <Form id={FORM_ID} onSubmit={submit}>
          <FormGroup label={`Type ${cluster.name} to go on`} fieldId="delete-cluster-name" isRequired>
            <TextInput
              id="delete-cluster-name"
              value={typed}
              autoComplete="off"
              spellCheck={false}
              onChange={(_, value) => {
                setTyped(value);
              }}
            />
          </FormGroup>
        </Form>
      </ModalBody>
      <ModalFooter>
        <Button
          variant="danger"
          type="submit"
          form={FORM_ID}
          isLoading={remove.isPending}
          isDisabled={typed !== cluster.name || remove.isPending}
        >
          Remove
        </Button>
        <Button variant="link" onClick={onClose}>
          Cancel
        </Button>
      </ModalFooter>
    </Modal>
  );
}
