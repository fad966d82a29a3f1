// The first pass over all bodies: who calls whom, what polls, and which features the module uses.

import { BULK_PIECE_BYTES } from "../abi/index.ts";
import {
  type Body,
  constantReferences,
  type IndexSpaces,
  type Module,
  OP,
  opcodeName,
  WasmFault,
} from "../wasm/index.ts";
import { type FunctionScan, isIndirectCall } from "./call-graph.ts";
import { loopTurns } from "./loops.ts";
import type { Planner } from "./plan.ts";

export interface ModuleScan {
  readonly functions: readonly FunctionScan[];
  /** Functions whose address is taken. */
  readonly taken: ReadonlySet<number>;
  readonly legacyExceptions: boolean;
  /** Whether a handler throws again what it has caught. */
  readonly rethrows: boolean;
  /** Whether an atomic wait occurs. */
  readonly waits: boolean;
  /** Functions that must be written anew even if no thread can be frozen in them: they name tags or drop segments. */
  readonly renumbered: ReadonlySet<number>;
  /** Functions that make tables grow. */
  readonly growsTables: ReadonlySet<number>;
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
  readonly growsTables: Set<number>;
  readonly droppedData: Set<number>;
  readonly droppedElements: Set<number>;
  readonly segmentUses: Set<string>;
  readonly changedTables: Set<number>;
  legacyExceptions: boolean;
  rethrows: boolean;
  waits: boolean;
}

/** Lists what one body names, each item once, without a set for every body. */
class Uses {
  /** By item, the last body that named it. */
  readonly #lastUser: Int32Array;
  #user = 0;
  list: number[] = [];

  constructor(items: number) {
    this.#lastUser = new Int32Array(items);
  }

  /** Begins the list of the next body. */
  next(): void {
    this.#user++;
    this.list = [];
  }

  /** Adds an item; one that does not exist is left to the passes that refuse it. */
  add(item: number): void {
    if (item >= this.#lastUser.length || this.#lastUser[item] === this.#user) return;
    this.#lastUser[item] = this.#user;
    this.list.push(item);
  }
}

/** 1 for the instructions that the scan looks at, by opcode. */
const noted = new Uint8Array(0x450);
for (const code of [
  ...[OP.call, OP.callIndirect, OP.callRef, OP.returnCall, OP.returnCallIndirect, OP.returnCallRef, OP.loop],
  ...[OP.try, OP.catch, OP.catchAll, OP.delegate, OP.rethrow, OP.throw, OP.tryTable, OP.refFunc],
  ...[OP.dataDrop, OP.elementDrop, OP.memoryInit, OP.tableInit, OP.memoryCopy, OP.memoryFill, OP.wait32, OP.wait64],
  ...[OP.tableSet, OP.tableGrow, OP.tableFill, OP.tableCopy],
]) {
  noted[code] = 1;
}

export interface ScanOptions {
  /** The most turns of a loop between two polls. */
  readonly mostTurns: number;
  /** Whether the options make an instruction a safe point that has to do with memory and is none by itself. */
  readonly extended: ((functionIndex: number, body: Body, at: number) => boolean) | undefined;
}

/** @param canonical canonical type index by type index */
export function scanModule(
  module: Module,
  spaces: IndexSpaces,
  canonical: Int32Array,
  planner: Planner,
  { mostTurns, extended }: ScanOptions,
): ModuleScan {
  const collected: Collected = {
    taken: takenByStructure(module),
    renumbered: new Set(),
    growsTables: new Set(),
    droppedData: new Set(),
    droppedElements: new Set(),
    segmentUses: new Set(),
    changedTables: new Set(),
    legacyExceptions: false,
    rethrows: false,
    waits: false,
  };
  const calls = new Uses(spaces.functions.length);
  const types = new Uses(canonical.length);
  const bareCalls = new Uses(spaces.functions.length);
  const bareTypes = new Uses(canonical.length);
  let bytes = 0;
  const counted = module.dataCount !== undefined;
  const functions = module.code.map((code, index) => {
    bytes += code.bytes.length;
    const body = planner.decode(spaces.importedFunctions + index);
    for (const uses of [calls, types, bareCalls, bareTypes]) uses.next();
    let polls = scanBody(body, spaces.importedFunctions + index, collected, mostTurns, (at, code, bare) => {
      const direct = code === OP.call || code === OP.returnCall;
      const item = direct ? body.a[at]! >>> 0 : (canonical[body.a[at]! >>> 0] ?? Number.POSITIVE_INFINITY);
      (direct ? calls : types).add(item);
      if (bare) (direct ? bareCalls : bareTypes).add(item);
    });
    if (!counted) requireNoDataSegments(body, collected);
    const functionIndex = spaces.importedFunctions + index;
    for (let at = 0; extended && at < body.count && !polls; at++) polls = extended(functionIndex, body, at);
    return { calls: calls.list, types: types.list, bareCalls: bareCalls.list, bareTypes: bareTypes.list, polls };
  });
  return { ...collected, functions, bytes };
}

/**
 * Looks at one body; whether it polls somewhere.
 *
 * @param call is told of every call; `bare` ones lie in no loop that polls at every turn
 */
function scanBody(
  body: Body,
  index: number,
  collected: Collected,
  mostTurns: number,
  call: (at: number, code: number, bare: boolean) => void,
): boolean {
  const { op, count, match } = body;
  let polls = false;
  let polledUntil = 0;
  for (let at = 0; at < count; at++) {
    const code = op[at]!;
    if (noted[code] === 0) continue;
    if (code === OP.call || code === OP.returnCall || isIndirectCall(code)) call(at, code, at >= polledUntil);
    else if (code === OP.loop) {
      const turns = loopTurns(body, at, mostTurns);
      if (turns === 1 && at >= polledUntil) polledUntil = match[at]!;
      polls ||= turns > 0;
    } else polls = scanRare(body, at, index, collected) || polls;
  }
  return polls;
}

/** Without a data count section, code may not name data segments. */
function requireNoDataSegments({ op, count, offset, start }: Body, { segmentUses, droppedData }: Collected): void {
  if (segmentUses.size + droppedData.size === 0) return;
  for (let at = 0; at < count; at++) {
    const code = op[at]!;
    if (code !== OP.memoryInit && code !== OP.dataDrop) continue;
    throw new WasmFault("malformed", `expected a data count section in front of ${opcodeName(code)}, found none`, {
      offset: offset + start[at]!,
      section: "code section",
      instruction: opcodeName(code),
    });
  }
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
      if (code === OP.rethrow) collected.rethrows = true;
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
    case OP.tableGrow:
      collected.changedTables.add(a[at]!);
      collected.growsTables.add(index);
      return false;
    case OP.tableSet:
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
