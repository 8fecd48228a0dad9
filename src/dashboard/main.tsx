import "@patternfly/react-core/dist/styles/base.css";

import { QueryCache, QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";

import { App } from "./app";
import { ME } from "./concepts/session";
import { asFailure } from "./utilities/failure";
import { followTheme } from "./utilities/theme";
// After the components, whose own styles it corrects.
import "./dashboard.css";

const RETRIES = 2;

// A session that ended anywhere ends everywhere: the next look at `me` shows the sign-in page.
function onError(thrown: unknown): void {
  if (asFailure(thrown).signedOut) void client.invalidateQueries({ queryKey: ME });
}

// What the hub refused will be refused again; only silence and 5xx are worth another try.
function worthRetrying(failures: number, thrown: unknown): boolean {
  const { status } = asFailure(thrown);
  return failures < RETRIES && (status === 0 || status >= 500);
}

const client = new QueryClient({
  queryCache: new QueryCache({ onError }),
  defaultOptions: { queries: { retry: worthRetrying } },
});

followTheme();

const root = document.getElementById("root");
if (root) {
  createRoot(root).render(
    <StrictMode>
      <QueryClientProvider client={client}>
        <App />
      </QueryClientProvider>
    </StrictMode>,
  );
}
