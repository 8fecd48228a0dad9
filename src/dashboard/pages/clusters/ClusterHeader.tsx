import {
  Alert,
  AlertGroup,
  Breadcrumb,
  BreadcrumbItem,
  Button,
  Dropdown,
  DropdownItem,
  DropdownList,
  Flex,
  FlexItem,
  Label,
  MenuToggle,
  Modal,
  ModalBody,
  ModalFooter,
  ModalHeader,
  ModalVariant,
  PageBreadcrumb,
  PageSection,
  Title,
} from "@patternfly/react-core";
import { useState, type ReactElement } from "react";
import { Link } from "wouter";

import type { Tagged } from "../../api/http";
import type { Cluster } from "../../api/types";
import { useRefreshCluster, useReplaceWebhookToken } from "../../concepts/cluster";
import { STATE_STATUS } from "../../concepts/clusters";
import { useMay } from "../../concepts/session";
import { asFailure } from "../../utilities/failure";
import { words } from "../../utilities/formats";
import { useHref } from "../../utilities/url-state";
import { DeleteClusterDialog } from "./DeleteClusterDialog";
import { EditClusterDialog } from "./EditClusterDialog";
import { WebhookReceiver } from "./WebhookReceiver";

type Open = "edit" | "delete" | "webhook" | null;

function WebhookDialog({ cluster, onClose }: { cluster: Cluster; onClose: () => void }): ReactElement {
  const replace = useReplaceWebhookToken();
  return (
    <Modal isOpen variant={ModalVariant.medium} aria-labelledby="webhook-title" onClose={onClose}>
      <ModalHeader
        title="A new webhook token"
        labelId="webhook-title"
        description="The one before stops working at once: alerts are refused until Alertmanager has the new one."
      />
      <ModalBody>
        {replace.isError && (
          <Alert variant="danger" isInline component="h2" title={`No new token: ${asFailure(replace.error).code}`}>
            {replace.error.message}
          </Alert>
        )}
        {replace.isSuccess && <WebhookReceiver webhook={replace.data} />}
      </ModalBody>
      <ModalFooter>
        {!replace.isSuccess && (
          <Button
            isLoading={replace.isPending}
            onClick={() => {
              replace.mutate(cluster.id);
            }}
          >
            Make a new token
          </Button>
        )}
        <Button variant="link" onClick={onClose}>
          {replace.isSuccess ? "Close" : "Cancel"}
        </Button>
      </ModalFooter>
    </Modal>
  );
}

export function ClusterHeader({ tagged }: { tagged: Tagged<Cluster> }): ReactElement {
  const cluster = tagged.value;
  const hrefTo = useHref();
  const [menu, setMenu] = useState(false);
  const [open, setOpen] = useState<Open>(null);
  const refresh = useRefreshCluster();
  const mayWrite = useMay("clusters:write");
  const mayDelete = useMay("clusters:delete");
  const status = STATE_STATUS[cluster.status.state];
  const close = (): void => {
    setOpen(null);
  };
  return (
    <>
      <PageBreadcrumb>
        <Breadcrumb>
          <BreadcrumbItem>
            <Link href={hrefTo("/")}>Fleet</Link>
          </BreadcrumbItem>
          <BreadcrumbItem isActive>{cluster.name}</BreadcrumbItem>
        </Breadcrumb>
      </PageBreadcrumb>
      <PageSection>
        <Flex alignItems={{ default: "alignItemsCenter" }} rowGap={{ default: "rowGapSm" }}>
          <FlexItem>
            <Title headingLevel="h1">{cluster.display_name}</Title>
          </FlexItem>
          <FlexItem>
            <Label {...(status && { status })}>{words(cluster.status.state)}</Label>
          </FlexItem>
          <FlexItem align={{ default: "alignRight" }}>
            <Flex columnGap={{ default: "columnGapSm" }} flexWrap={{ default: "nowrap" }}>
              <Button
                variant="secondary"
                isLoading={refresh.isPending}
                isDisabled={!mayWrite || refresh.isPending}
                onClick={() => {
                  refresh.mutate(cluster.id);
                }}
              >
                Check now
              </Button>
              <Dropdown
                isOpen={menu}
                onOpenChange={setMenu}
                onSelect={() => {
                  setMenu(false);
                }}
                popperProps={{ position: "right" }}
                toggle={(ref) => (
                  <MenuToggle
                    ref={ref}
                    isExpanded={menu}
                    isDisabled={!mayWrite && !mayDelete}
                    onClick={() => {
                      setMenu(!menu);
                    }}
                  >
                    Actions
                  </MenuToggle>
                )}
              >
                <DropdownList>
                  <DropdownItem
                    isDisabled={!mayWrite}
                    onClick={() => {
                      setOpen("edit");
                    }}
                  >
                    Edit
                  </DropdownItem>
                  <DropdownItem
                    isDisabled={!mayWrite}
                    onClick={() => {
                      setOpen("webhook");
                    }}
                  >
                    New webhook token
                  </DropdownItem>
                  <DropdownItem
                    isDisabled={!mayDelete}
                    isDanger
                    onClick={() => {
                      setOpen("delete");
                    }}
                  >
                    Remove
                  </DropdownItem>
                </DropdownList>
              </Dropdown>
            </Flex>
          </FlexItem>
        </Flex>
      </PageSection>
      {refresh.isError && (
        <AlertGroup isToast isLiveRegion>
          <Alert variant="danger" title={`Not checked: ${asFailure(refresh.error).code}`}>
            {refresh.error.message}
          </Alert>
        </AlertGroup>
      )}
      {open === "edit" && <EditClusterDialog opened={tagged} onClose={close} />}
      {open === "delete" && <DeleteClusterDialog cluster={cluster} onClose={close} />}
      {open === "webhook" && <WebhookDialog cluster={cluster} onClose={close} />}
    </>
  );
}
