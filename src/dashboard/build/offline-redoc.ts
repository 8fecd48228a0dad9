// Redoc shows a logo from its maker's content network. A hub without internet must not ask for it.
import type { Plugin } from "vite";

const OUTSIDE = "https://cdn.redoc.ly/redoc/logo-mini.svg";

export function offlineRedoc(): Plugin {
  return {
    name: "offline-redoc",
    transform(code, id) {
      if (!id.includes("redoc.standalone.js")) return null;
      if (!code.includes(OUTSIDE)) throw new Error(`Redoc no longer asks for ${OUTSIDE}; look what it asks for now`);
      return { code: code.replaceAll(OUTSIDE, "/favicon.svg"), map: null };
    },
  };
}
