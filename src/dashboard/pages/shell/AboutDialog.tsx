import {
  Button,
  DescriptionList,
  DescriptionListDescription,
  DescriptionListGroup,
  DescriptionListTerm,
  Label,
  Modal,
  ModalBody,
  ModalFooter,
  ModalHeader,
  ModalVariant,
} from "@patternfly/react-core";
import type { ReactElement } from "react";

import { FailureState } from "../../components/FailureState";
import { Loading } from "../../components/Loading";
import { useDetailedHealth, useVersion } from "../../concepts/health";
import { words } from "../../utilities/formats";

const STATUS = { healthy: "success", degraded: "warning", unhealthy: "danger" } as const;

function isKnown(status: string): status is keyof typeof STATUS {
  return status in STATUS;
}

export function AboutDialog({ onClose }: { onClose: () => void }): ReactElement {
  const version = useVersion();
  const health = useDetailedHealth();
  return (
    <Modal isOpen variant={ModalVariant.small} aria-labelledby="about" onClose={onClose}>
      <ModalHeader title="AIOps NextGen" labelId="about" />
      <ModalBody>
        <DescriptionList isHorizontal isCompact>
          <DescriptionListGroup>
            <DescriptionListTerm>Version</DescriptionListTerm>
            <DescriptionListDescription>{version.data?.version ?? "…"}</DescriptionListDescription>
          </DescriptionListGroup>
          <DescriptionListGroup>
            <DescriptionListTerm>Answering role</DescriptionListTerm>
            <DescriptionListDescription>{version.data?.role ?? "…"}</DescriptionListDescription>
          </DescriptionListGroup>
          {health.data &&
            Object.entries(health.data.components).map(([name, { status, latency_ms, error }]) => (
              <DescriptionListGroup key={name}>
                <DescriptionListTerm>{words(name)}</DescriptionListTerm>
                <DescriptionListDescription>
                  <Label isCompact {...(isKnown(status) && { status: STATUS[status] })}>
                    {words(status)}
                  </Label>{" "}
                  {error ?? `${latency_ms} ms`}
                </DescriptionListDescription>
              </DescriptionListGroup>
            ))}
        </DescriptionList>
        {health.isPending && <Loading what="the hub's health" />}
        {health.isError && (
          <FailureState what="the hub's health" error={health.error} onRetry={() => void health.refetch()} />
        )}
      </ModalBody>
      <ModalFooter>
        <Button onClick={onClose}>Close</Button>
      </ModalFooter>
    </Modal>
  );
}
