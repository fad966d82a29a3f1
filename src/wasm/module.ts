// Modules as data: an empty one, and the check that rtcr can save all that its structure holds.

import { WasmFault } from "./faults.ts";
import type { Module } from "./types.ts";

/** A module of nothing, to build one from. */
export function emptyModule(): Module {
  return {
    types: [],
    typeGroups: { bytes: new Uint8Array(0), offset: 0, groups: 0, types: 0, recursive: [] },
    imports: [],
    functions: [],
    tables: [],
    memories: [],
    tags: [],
    globals: [],
    exports: [],
    start: undefined,
    elements: [],
    dataCount: undefined,
    code: [],
    data: [],
    customs: [],
    obstacles: [],
  };
}

/**
 * Refuses a module whose structure uses garbage collection; `module.obstacles` has all the reasons.
 *
 * @throws WasmFault "unsupported" with the first obstacle: which type or constant, and its offset
 */
export function requireSupported(module: Module): void {
  const first = module.obstacles[0];
  if (first === undefined) return;
  const { offset, section, statement } = first;
  throw new WasmFault("unsupported", `${statement}; rtcr does not save garbage-collected objects`, { offset, section });
}
