// Prints what a first visit downloads and fails the build above the budget, so that growth is a decision.
import { gzipSync } from "node:zlib";
import type { Plugin, Rollup } from "vite";

type Chunks = Map<string, Rollup.OutputChunk>;

function withStaticImports(name: string, chunks: Chunks, seen = new Set<string>()): Set<string> {
  const chunk = chunks.get(name);
  if (chunk && !seen.has(name)) {
    seen.add(name);
    for (const imported of chunk.imports) withStaticImports(imported, chunks, seen);
  }
  return seen;
}

export function budget(entry: string, limitKb: number): Plugin {
  return {
    name: "budget",
    apply: "build",
    generateBundle: {
      order: "post",
      handler(_, bundle) {
        const chunks: Chunks = new Map();
        for (const file of Object.values(bundle)) if (file.type === "chunk") chunks.set(file.fileName, file);
        for (const chunk of chunks.values()) {
          if (!chunk.isEntry) continue;
          let bytes = 0;
          for (const name of withStaticImports(chunk.fileName, chunks)) {
            bytes += gzipSync(chunks.get(name)?.code ?? "", { level: 9 }).length;
          }
          const sizeKb = bytes / 1024;
          const limit = chunk.name === entry ? ` (budget ${limitKb} KB)` : "";
          console.log(`initial JavaScript of ${chunk.name}: ${sizeKb.toFixed(1)} KB gzipped${limit}`);
          if (chunk.name === entry && sizeKb > limitKb) {
            this.error(`initial JavaScript is ${sizeKb.toFixed(1)} KB gzipped, over the budget of ${limitKb} KB`);
          }
        }
      },
    },
  };
}
