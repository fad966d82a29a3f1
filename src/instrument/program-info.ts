// A program as engines and hosts know it: the original described, beside its rewritten bytes.

import type { ProgramInfo } from "../abi/index.ts";
import type { Module } from "../wasm/index.ts";
import { activeTables, type Program } from "./program.ts";
import { signatureOf, typeName } from "./type-names.ts";

/** @param hash of the original's bytes */
export function programInfo(program: Program, hash: string): ProgramInfo {
  const { module, spaces, scan } = program;
  const deferredTables = new Set(program.deferred ? activeTables(module.elements) : []);
  const counts = { func: 0, table: 0, memory: 0, global: 0, tag: 0 };
  const visible = (kind: "table" | "memory", index: number) =>
    module.exports.some((entry) => entry.kind === kind && entry.index === index);
  return {
    module: hash,
    imports: module.imports.map((entry) => ({
      module: entry.module,
      name: entry.name,
      kind: entry.kind,
      ...(entry.kind === "func" ? { signature: signatureOf(module, entry.type) } : {}),
      ...(entry.kind === "func" && program.importKind(counts.func) === "instant" ? { instant: true as const } : {}),
      index: counts[entry.kind]++,
    })),
    exports: module.exports,
    memories: spaces.memories.map((memory, index) => ({
      defined: index >= spaces.importedMemories,
      ...program.memoryType(index),
      visible: index < spaces.importedMemories || visible("memory", index),
      index64: memory.index64,
    })),
    globals: spaces.globals.map((global, index) => ({
      type: typeName(global.type),
      mutable: global.mutable,
      imported: index < spaces.importedGlobals,
    })),
    tables: spaces.tables.map((table, index) => ({
      element: typeName(table.element),
      imported: index < spaces.importedTables,
      min: table.limits.min,
      ...(table.limits.max === undefined ? {} : { max: table.limits.max }),
      changes:
        index < spaces.importedTables ||
        visible("table", index) ||
        scan.changedTables.has(index) ||
        deferredTables.has(index),
    })),
    tags: spaces.tags.map((type) => module.types[type]!.params!.map(typeName)),
    start: module.start,
    functions: spaces.functions.length,
    importedFunctions: spaces.importedFunctions,
    ...(program.windows ? { windows: true as const } : {}),
    ...(program.marks ? { marks: true as const } : {}),
    ...(program.marks && writesData(program.module.data) ? { writesData: true as const } : {}),
    ...(program.mirror === undefined ? {} : { mirror: true as const }),
    ...(program.options.growth ? { growth: true as const } : {}),
    references: program.references.map(typeName),
    ...program.droppable,
  };
}

/** Whether active segments are written to memory 0. */
function writesData(data: Module["data"]): boolean {
  return data.some(({ mode, memory = 0, bytes }) => mode === "active" && memory === 0 && bytes.length > 0);
}
