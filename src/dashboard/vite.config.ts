import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

import { budget } from "./build/budget.ts";
import { offlineRedoc } from "./build/offline-redoc.ts";
import { precompress } from "./build/precompress.ts";

const hub = process.env["AIOPS_SERVER"] ?? "http://127.0.0.1:8080";

export default defineConfig({
  plugins: [react(), offlineRedoc(), budget("index", "FleetPage", 250), precompress()],
  resolve: { alias: [{ find: /^null$/, replacement: `${import.meta.dirname}/reference/nothing.ts` }] },
  build: {
    outDir: "../aiops/frontend/dist",
    emptyOutDir: true,
    // A strict content policy allows no data: fonts, scripts or styles.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    chunkSizeWarningLimit: 2000,
    rolldownOptions: {
      input: { index: "index.html", docs: "reference/docs.html", redoc: "reference/redoc.html" },
    },
  },
  server: { proxy: { "/api": hub, "/openapi.json": hub, "/ws": { target: hub, ws: true } } },
});
