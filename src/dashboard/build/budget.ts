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

function sizeKb(names: Iterable<string>, chunks: Chunks): number {
  let bytes = 0;
  for (const name of names) bytes += gzipSync(chunks.get(name)?.code ?? "", { level: 9 }).length;
  return bytes / 1024;
}

/** `page` is the lazy chunk that the first visit shows; it counts with the entry. Every other page is told by itself. */
export function budget(entry: string, page: string, limitKb: number): Plugin {
  return {
    name: "budget",
    apply: "build",
    generateBundle: {
      order: "post",
      handler(_, bundle) {
        const chunks: Chunks = new Map();
        for (const file of Object.values(bundle)) if (file.type === "chunk") chunks.set(file.fileName, file);
        const byName = new Map([...chunks.values()].map((chunk) => [chunk.name, chunk.fileName]));
        const first = byName.get(entry);
        const shown = byName.get(page);
        if (first === undefined || shown === undefined) {
          this.error(`there is no chunk ${first === undefined ? entry : page} to hold to the budget`);
        }
        const initial = withStaticImports(shown, chunks, withStaticImports(first, chunks));
        const initialKb = sizeKb(initial, chunks);
        console.log(`initial JavaScript of ${page}: ${initialKb.toFixed(1)} KB gzipped (budget ${limitKb} KB)`);
        for (const [name, file] of byName) {
          if (!chunks.get(file)?.isEntry && !name.endsWith("Page")) continue;
          if (name === entry || name === page) continue;
          const more = [...withStaticImports(file, chunks)].filter((one) => !initial.has(one));
          console.log(`  more for ${name}: ${sizeKb(more, chunks).toFixed(1)} KB`);
        }
        if (initialKb > limitKb) {
          this.error(`initial JavaScript is ${initialKb.toFixed(1)} KB gzipped, over the budget of ${limitKb} KB`);
        }
      },
    },
  };
}
