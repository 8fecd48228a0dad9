import { ClipboardCopyButton } from "@patternfly/react-core";
import { useId, useState, type ReactElement } from "react";

/** Copies a text and says so. `what` ends the sentence "Copy …". */
export function CopyButton({ text, what }: { text: string; what: string }): ReactElement {
  const [copied, setCopied] = useState(false);
  return (
    <ClipboardCopyButton
      id={useId()}
      variant="plain"
      aria-label={`Copy ${what}`}
      exitDelay={copied ? 1500 : 600}
      onTooltipHidden={() => {
        setCopied(false);
      }}
      onClick={() => {
        void navigator.clipboard.writeText(text).then(() => {
          setCopied(true);
        });
      }}
    >
      {copied ? "Copied" : `Copy ${what}`}
    </ClipboardCopyButton>
  );
}
