import { Button, Modal, ModalBody, ModalFooter, ModalHeader, ModalVariant } from "@patternfly/react-core";
import type { ReactElement } from "react";

import { TokenForm } from "../TokenForm";

export function SignInDialog({ subject, onGiveUp }: { subject: string; onGiveUp: () => void }): ReactElement {
  return (
    <Modal isOpen variant={ModalVariant.small} aria-labelledby="sign-in-again" aria-describedby="sign-in-again-why">
      <ModalHeader
        title="Your session has ended"
        labelId="sign-in-again"
        description={`Sign in again to go on as you were. You were signed in as ${subject}.`}
        descriptorId="sign-in-again-why"
      />
      <ModalBody>
        <TokenForm />
      </ModalBody>
      <ModalFooter>
        <Button variant="link" onClick={onGiveUp}>
          Leave the page
        </Button>
      </ModalFooter>
    </Modal>
  );
}
