import type { ReactElement } from "react";

export function Brand(): ReactElement {
  return (
    <span className="aiops-brand">
      <img src="/favicon.svg" alt="" width={28} height={28} />
      <span className="aiops-wide-only">AIOps NextGen</span>
    </span>
  );
}
