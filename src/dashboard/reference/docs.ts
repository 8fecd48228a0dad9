// Swagger UI over the hub's own description. A signed-in browser may try calls out: unsafe ones carry the CSRF token.
import "swagger-ui-dist/swagger-ui.css";
import "./page.css";
import SwaggerUI from "swagger-ui-dist/swagger-ui-bundle.js";

const SAFE = new Set(["GET", "HEAD", "OPTIONS"]);

async function csrfToken(): Promise<string | null> {
  const response = await fetch("/api/v1/me");
  if (!response.ok) return null;
  const me = (await response.json()) as { csrf_token?: string };
  return me.csrf_token ?? null;
}

SwaggerUI({
  url: "/openapi.json",
  dom_id: "#reference",
  deepLinking: true,
  docExpansion: "list",
  validatorUrl: null,
  requestInterceptor: async (request) => {
    if (!SAFE.has((request.method ?? "GET").toUpperCase())) {
      const token = await csrfToken();
      if (token !== null) request.headers["X-CSRF-Token"] = token;
    }
    return request;
  },
});
