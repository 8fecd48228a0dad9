// A token that is shown once, in the form in which it is needed.
import { Alert, CodeBlock, CodeBlockAction, CodeBlockCode } from "@patternfly/react-core";
import type { ReactElement } from "react";

import type { Webhook } from "../../api/types";
import { CopyButton } from "../../components/CopyButton";
import { receiverYaml } from "../../concepts/cluster-draft";

export function WebhookReceiver({ webhook }: { webhook: Webhook }): ReactElement {
  const text = receiverYaml(webhook.url, webhook.token);
  return (
    <>
      <Alert variant="warning" isInline component="h3" title="The token in it is shown only now">
        Put this receiver into the configuration of the cluster&apos;s Alertmanager, and let a route lead to it. From then on
        alerts reach the hub as they fire.
      </Alert>
      <CodeBlock
        className="aiops-command"
        actions={
          <CodeBlockAction>
            <CopyButton text={text} what="the receiver" />
          </CodeBlockAction>
        }
      >
        <CodeBlockCode>{text}</CodeBlockCode>
      </CodeBlock>
    </>
  );
}
