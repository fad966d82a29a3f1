// Where windows lie in a module: two memories behind the control memory, a global behind all others.

import { EXPORT, IMPORT, IMPORT_MODULE, WINDOW } from "../abi/index.ts";
import { type GlobalType, I32, I64, type Import, type Module, OP } from "../wasm/index.ts";
import type { Program } from "./program.ts";
import { RUN, type WindowSpace } from "./space.ts";

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
    ...WAYS[program.windows.favour ?? "memory"],
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

/** Loops are tried in both ways: their guards cost little, and what is slow in a loop is slow. */
const WAYS: Readonly<Record<"memory" | "pool" | "both", Pick<WindowSpace, "ways" | "loopWays">>> = {
  memory: { ways: ["direct"], loopWays: ["direct", "pool"] },
  pool: { ways: ["pool"], loopWays: ["pool", "direct"] },
  both: { ways: ["direct", "pool"], loopWays: ["direct", "pool"] },
};

/** The globals that windows add behind all others, the limit and the runs, and the exports that name their parts. */
export function windowGlobals({ limitGlobal }: WindowSpace): {
  readonly globals: Module["globals"];
  readonly exports: Module["exports"];
} {
  const global = (type: GlobalType["type"], init: readonly number[]) => ({
    type: { type, mutable: true },
    init: new Uint8Array([...init, OP.end]),
  });
  const zero = global(I32, [OP.i32Const, 0]);
  // A run beyond the address space, of one page: no access lies in it.
  const run = [global(I64, [OP.i64Const, ...RUN_NOWHERE]), global(I64, [OP.i64Const, 0x80, 0x20]), zero];
  const globals = [zero, ...Array.from({ length: WINDOW.runs }, () => run).flat()];
  const name = (place: number) => {
    if (place === 0) return EXPORT.limit;
    const run = Math.floor((place - 1) / RUN.count);
    const part = (place - 1) % RUN.count;
    return `${EXPORT.run}${run}${["", ".bytes", ".distance"][part]}`;
  };
  return {
    globals,
    exports: globals.map((_, place) => ({ name: name(place), kind: "global", index: limitGlobal + place })),
  };
}

/** WINDOW.nowhere as LEB128. */
const RUN_NOWHERE = [0x80, 0x80, 0x80, 0x80, 0x80, 0x20];

/** The same globals as a side module imports them. */
export function importedWindowGlobals(space: WindowSpace, module: string): Import[] {
  const { globals, exports } = windowGlobals(space);
  return globals.map(({ type }, place) => ({ module, name: exports[place]!.name, kind: "global", global: type }));
}
