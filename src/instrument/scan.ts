// The first pass over all bodies: who calls whom, what polls, and which features the module uses.

import { BULK_PIECE_BYTES } from "../abi/index.ts";
import { type Body, constantReferences, type IndexSpaces, type Module, OP } from "../wasm/index.ts";
import { type FunctionScan, isIndirectCall } from "./call-graph.ts";
import { loopPolls } from "./loops.ts";
import type { Planner } from "./plan.ts";

export interface ModuleScan {
  readonly functions: readonly FunctionScan[];
  /** Functions whose address is taken. */
  readonly taken: ReadonlySet<number>;
  readonly legacyExceptions: boolean;
  /** Whether an atomic wait occurs. */
  readonly waits: boolean;
  /** Functions that must be written anew even if no thread can be frozen in them: they name tags or drop segments. */
  readonly renumbered: ReadonlySet<number>;
  readonly droppedData: ReadonlySet<number>;
  readonly droppedElements: ReadonlySet<number>;
  /** Segment instructions in use, as `operation a b`. */
  readonly segmentUses: ReadonlySet<string>;
  /** Whether any instruction changes table `index`. */
  readonly changedTables: ReadonlySet<number>;
  readonly bytes: number;
}

interface Collected {
  readonly taken: Set<number>;
  readonly renumbered: Set<number>;
  readonly droppedData: Set<number>;
  readonly droppedElements: Set<number>;
  readonly segmentUses: Set<string>;
  readonly changedTables: Set<number>;
  legacyExceptions: boolean;
  waits: boolean;
}

/** @param canonical canonical type index by type index */
export function scanModule(module: Module, spaces: IndexSpaces, canonical: Int32Array, planner: Planner): ModuleScan {
  const collected: Collected = {
    taken: takenByStructure(module),
    renumbered: new Set(),
    droppedData: new Set(),
    droppedElements: new Set(),
    segmentUses: new Set(),
    changedTables: new Set(),
    legacyExceptions: false,
    waits: false,
  };
  let bytes = 0;
  const functions = module.code.map((code, index) => {
    bytes += code.bytes.length;
    return scanBody(
      planner.decode(spaces.importedFunctions + index),
      spaces.importedFunctions + index,
      canonical,
      collected,
    );
  });
  return { ...collected, functions, bytes };
}

function scanBody(body: Body, index: number, canonical: Int32Array, collected: Collected): FunctionScan {
  const { op, a, count } = body;
  const calls = new Set<number>();
  const types = new Set<number>();
  let polls = false;
  for (let at = 0; at < count; at++) {
    const code = op[at]!;
    if (code === OP.call || code === OP.returnCall) calls.add(a[at]!);
    else if (code === OP.loop) polls ||= loopPolls(body, at);
    else if (isIndirectCall(code)) types.add(canonical[a[at]!] ?? -1);
    else if (code > OP.tableGet - 1 || code <= OP.delegate + 1 || code === OP.tryTable) {
      polls = scanRare(body, at, index, collected) || polls;
    }
  }
  return { calls: [...calls], types: [...types], polls };
}

/** Notes features of the module; whether the instruction is an operation in pieces. */
function scanRare(body: Body, at: number, index: number, collected: Collected): boolean {
  const { op, a, b } = body;
  const code = op[at]!;
  switch (code) {
    case OP.try:
    case OP.catch:
    case OP.catchAll:
    case OP.delegate:
    case OP.rethrow:
      collected.legacyExceptions = true;
      collected.renumbered.add(index);
      return false;
    case OP.throw:
    case OP.tryTable:
      collected.renumbered.add(index);
      return false;
    case OP.refFunc:
      collected.taken.add(a[at]!);
      return false;
    case OP.dataDrop:
      collected.droppedData.add(a[at]!);
      collected.renumbered.add(index);
      return false;
    case OP.elementDrop:
      collected.droppedElements.add(a[at]!);
      collected.renumbered.add(index);
      return false;
    case OP.tableSet:
    case OP.tableGrow:
    case OP.tableFill:
    case OP.tableCopy:
      collected.changedTables.add(a[at]!);
      return false;
    case OP.memoryInit:
    case OP.tableInit:
      if (code === OP.tableInit) collected.changedTables.add(b[at]!);
      collected.segmentUses.add(`${code} ${a[at]} ${b[at]}`);
      return code === OP.memoryInit;
    case OP.memoryCopy:
    case OP.memoryFill:
      return !(op[at - 1] === OP.i32Const && a[at - 1]! >>> 0 <= BULK_PIECE_BYTES);
    case OP.wait32:
    case OP.wait64:
      collected.waits = true;
      return true;
    default:
      return false;
  }
}

/** Functions in element segments, exports and the initial values of globals and tables. */
function takenByStructure(module: Module): Set<number> {
  const taken = new Set<number>();
  const expression = (bytes: Uint8Array) => {
    for (const { kind, index } of constantReferences(bytes)) if (kind === "func") taken.add(index);
  };
  for (const segment of module.elements) {
    for (const index of segment.functions ?? []) taken.add(index);
    for (const item of segment.expressions ?? []) expression(item);
  }
  for (const item of module.exports) if (item.kind === "func") taken.add(item.index);
  for (const global of module.globals) expression(global.init);
  for (const table of module.tables) if (table.init) expression(table.init);
  return taken;
}
