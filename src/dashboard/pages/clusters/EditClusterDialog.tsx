// Editing one version of a cluster. When somebody else was quicker, both versions are shown and the person decides.
import {
  Alert,
  AlertActionLink,
  Button,
  Form,
  Modal,
  ModalBody,
  ModalFooter,
  ModalHeader,
  ModalVariant,
} from "@patternfly/react-core";
import { Table, Tbody, Td, Th, Thead, Tr } from "@patternfly/react-table";
import { useState, type ReactElement, type SyntheticEvent } from "react";

import { fetchClusterByName } from "../../api/clusters";
import type { Tagged } from "../../api/http";
import type { Cluster } from "../../api/types";
import { useEditCluster } from "../../concepts/cluster";
import { differences, draftOf, fieldOf, problemsOf, type Draft } from "../../concepts/cluster-draft";
import { asFailure } from "../../utilities/failure";
import { ClusterFields } from "./ClusterFields";

const FORM_ID = "edit-cluster";
const LOST_UPDATE = 412;

interface ConflictProps {
  theirs: Draft;
  mine: Draft;
  onTakeTheirs: () => void;
  onKeepMine: () => void;
}

function Conflict({ theirs, mine, onTakeTheirs, onKeepMine }: ConflictProps): ReactElement {
  return (
    <Alert
      variant="warning"
      isInline
      component="h2"
      title="Somebody else changed this cluster meanwhile"
      actionLinks={
        <>
          <AlertActionLink onClick={onTakeTheirs}>Take theirs</AlertActionLink>
          <AlertActionLink onClick={onKeepMine}>Put mine over it</AlertActionLink>
        </>
      }
    >
      <Table aria-label="Where the two versions differ" variant="compact">
        <Thead>
          <Tr>
            <Th>Field</Th>
            <Th>Theirs</Th>
            <Th>Yours</Th>
          </Tr>
        </Thead>
        <Tbody>
          {differences(theirs, mine).map(({ field, theirs: one, mine: other }) => (
            <Tr key={field}>
              <Td dataLabel="Field">{field}</Td>
              <Td dataLabel="Theirs" className="aiops-value">
                {one === "" ? "empty" : one}
              </Td>
              <Td dataLabel="Yours" className="aiops-value">
                {other === "" ? "empty" : other}
              </Td>
            </Tr>
          ))}
        </Tbody>
      </Table>
    </Alert>
  );
}

export function EditClusterDialog({ opened, onClose }: { opened: Tagged<Cluster>; onClose: () => void }): ReactElement {
  const [base, setBase] = useState(opened);
  const [draft, setDraft] = useState(() => draftOf(opened.value));
  const [theirs, setTheirs] = useState<Tagged<Cluster> | null>(null);
  const edit = useEditCluster();
  const failure = edit.isError ? asFailure(edit.error) : null;
  const refused = failure === null ? null : fieldOf(failure.code, failure.message);
  const problems = {
    ...problemsOf(draft),
    ...(failure !== null && refused !== null && { [refused]: failure.message }),
  };
  const save = (over: Tagged<Cluster>): void => {
    edit.mutate(
      { draft, base: over },
      {
        onSuccess: onClose,
        onError: (thrown) => {
          if (asFailure(thrown).status === LOST_UPDATE) void fetchClusterByName(over.value.name).then(setTheirs);
        },
      },
    );
  };
  const submit = (event: SyntheticEvent): void => {
    event.preventDefault();
    if (Object.keys(problemsOf(draft)).length === 0) save(base);
  };
  return (
    <Modal isOpen variant={ModalVariant.medium} aria-labelledby="edit-cluster-title" onClose={onClose}>
      <ModalHeader title={`Edit ${opened.value.name}`} labelId="edit-cluster-title" />
      <ModalBody>
        <Form id={FORM_ID} onSubmit={submit} noValidate>
          {theirs !== null && (
            <Conflict
              theirs={draftOf(theirs.value)}
              mine={draft}
              onTakeTheirs={() => {
                setBase(theirs);
                setDraft(draftOf(theirs.value));
                setTheirs(null);
                edit.reset();
              }}
              onKeepMine={() => {
                setBase(theirs);
                setTheirs(null);
                save(theirs);
              }}
            />
          )}
          {failure !== null && refused === null && failure.status !== LOST_UPDATE && (
            <Alert variant="danger" isInline component="h2" title={`Not saved: ${failure.code}`}>
              {failure.message}
            </Alert>
          )}
          <ClusterFields
            draft={draft}
            problems={problems}
            isNew={false}
            onChange={(changes) => {
              setDraft({ ...draft, ...changes });
            }}
          />
        </Form>
      </ModalBody>
      <ModalFooter>
        <Button type="submit" form={FORM_ID} isLoading={edit.isPending} isDisabled={edit.isPending || theirs !== null}>
          Save
        </Button>
        <Button variant="link" onClick={onClose}>
          Cancel
        </Button>
      </ModalFooter>
    </Modal>
  );
}
