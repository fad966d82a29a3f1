// Where windows lie in a module: two memories behind the control memory, a global behind all others.

import { IMPORT, IMPORT_MODULE, WINDOW } from "../abi/index.ts";
import type { Import } from "../wasm/index.ts";
import type { Program } from "./program.ts";
import type { WindowSpace } from "./space.ts";

/** Wasm pages that the pool may have. */
const POOL_PAGES = 65536;

/** Undefined for programs without windows. */
export function windowSpace(program: Program, limitGlobal: number): WindowSpace | undefined {
  if (!program.windows) return undefined;
  const control = program.spaces.memories.length;
  return {
    pool: control + 1,
    pages: control + 2,
    limitGlobal,
    windowed: (functionIndex) => program.windowed(functionIndex),
  };
}

/** The memories that a module with windows imports, behind the control memory. */
export function windowImports(): Import[] {
  const memory = (name: string, min: number, max: number): Import => ({
    module: IMPORT_MODULE,
    name,
    kind: "memory",
    memory: { min, max, shared: true, index64: false },
  });
  return [memory(IMPORT.pool, 1, POOL_PAGES), memory(IMPORT.pages, WINDOW.tablePages, WINDOW.tablePages)];
}
