// Index spaces: imports first, then definitions, as instructions and exports count them.

import { assert, required } from "../util/index.ts";
import type { ExternKind, FunctionType, GlobalType, Import, Limits, Module, TableType } from "./types.ts";

/** All index spaces of a module at one moment: later changes of the module do not show. */
export interface IndexSpaces {
  /** Type index of each function. */
  readonly functions: Int32Array;
  readonly tables: readonly TableType[];
  readonly memories: readonly Limits[];
  readonly globals: readonly GlobalType[];
  /** Type index of each tag. */
  readonly tags: readonly number[];
  readonly importedFunctions: number;
  readonly importedTables: number;
  readonly importedMemories: number;
  readonly importedGlobals: number;
  readonly importedTags: number;
}

type ImportOf<Kind extends ExternKind> = Extract<Import, { kind: Kind }>;

/** Lays out the index spaces; costs one pass over imports and definitions. */
export function indexSpaces(module: Module): IndexSpaces {
  const functions = importsOf(module, "func");
  const tables = importsOf(module, "table");
  const memories = importsOf(module, "memory");
  const globals = importsOf(module, "global");
  const tags = importsOf(module, "tag");
  const types = new Int32Array(functions.length + module.functions.length);
  for (let i = 0; i < functions.length; i++) types[i] = functions[i]!.type;
  types.set(module.functions, functions.length);
  return {
    functions: types,
    tables: [...tables.map((entry) => entry.table), ...module.tables.map((table) => table.type)],
    memories: [...memories.map((entry) => entry.memory), ...module.memories],
    globals: [...globals.map((entry) => entry.global), ...module.globals.map((global) => global.type)],
    tags: [...tags.map((entry) => entry.type), ...module.tags],
    importedFunctions: functions.length,
    importedTables: tables.length,
    importedMemories: memories.length,
    importedGlobals: globals.length,
    importedTags: tags.length,
  };
}

/** The imports of one kind, in the order of their index space. */
export function importsOf<Kind extends ExternKind>(module: Module, kind: Kind): ImportOf<Kind>[] {
  return module.imports.filter((entry): entry is ImportOf<Kind> => entry.kind === kind);
}

/** How many imports of a kind there are: the index of the first definition of that kind. */
export function importedCount(module: Module, kind: ExternKind): number {
  let count = 0;
  for (const entry of module.imports) if (entry.kind === kind) count++;
  return count;
}

/** The type index of a function; costs a pass over the imports, as do the following (use indexSpaces in loops). */
export function functionTypeIndex(module: Module, functionIndex: number): number {
  const found = lookUp(module, "func", functionIndex);
  return typeof found === "number" ? required(module.functions[found], `function ${functionIndex}`) : found.type;
}

/** The type of a function. */
export function functionType(module: Module, functionIndex: number): FunctionType {
  const type = required(module.types[functionTypeIndex(module, functionIndex)], `type of function ${functionIndex}`);
  assert(type.kind === "func", `function ${functionIndex} has a function type`);
  return type;
}

/** The type of a table. */
export function tableType(module: Module, tableIndex: number): TableType {
  const found = lookUp(module, "table", tableIndex);
  return typeof found === "number" ? required(module.tables[found], `table ${tableIndex}`).type : found.table;
}

/** The type of a memory. */
export function memoryType(module: Module, memoryIndex: number): Limits {
  const found = lookUp(module, "memory", memoryIndex);
  return typeof found === "number" ? required(module.memories[found], `memory ${memoryIndex}`) : found.memory;
}

/** The type of a global. */
export function globalType(module: Module, globalIndex: number): GlobalType {
  const found = lookUp(module, "global", globalIndex);
  return typeof found === "number" ? required(module.globals[found], `global ${globalIndex}`).type : found.global;
}

/** The type of a tag: a function type without results. */
export function tagType(module: Module, tagIndex: number): FunctionType {
  const found = lookUp(module, "tag", tagIndex);
  const index = typeof found === "number" ? required(module.tags[found], `tag ${tagIndex}`) : found.type;
  const type = required(module.types[index], `type of tag ${tagIndex}`);
  assert(type.kind === "func", `tag ${tagIndex} has a function type`);
  return type;
}

/** The import at an index of its space, or the number of the definition. */
function lookUp<Kind extends ExternKind>(module: Module, kind: Kind, index: number): ImportOf<Kind> | number {
  let passed = 0;
  for (const entry of module.imports) {
    if (entry.kind !== kind) continue;
    if (passed === index) return entry as ImportOf<Kind>;
    passed++;
  }
  return index - passed;
}
