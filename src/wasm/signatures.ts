// The function types that instructions name: of blocks, and of what is called.

import { BLOCK_EMPTY, BLOCK_VALUE } from "./block-type.ts";
import type { Body } from "./body.ts";
import { WasmFault } from "./faults.ts";
import type { IndexSpaces } from "./index-space.ts";
import { OP } from "./opcode.ts";
import { F32, F64, type FunctionType, I32, I64, type Module, type ValueType } from "./types.ts";

export const NO_TYPES: readonly ValueType[] = [];
const EMPTY: FunctionType = { params: NO_TYPES, results: NO_TYPES };
/** Signatures of blocks with one result; those of numbers are kept, since most blocks have one of them. */
const VALUES: ReadonlyMap<ValueType, FunctionType> = new Map(
  [I32, I64, F32, F64].map((type) => [type, oneResult(type)]),
);

/** The parameters and results of the block that instruction `at` opens. */
export function blockSignature(module: Module, body: Body, at: number): FunctionType {
  const code = body.blockType[at]!;
  if (code === BLOCK_EMPTY) return EMPTY;
  if (code >= BLOCK_VALUE) return VALUES.get(code - BLOCK_VALUE) ?? oneResult(code - BLOCK_VALUE);
  return functionTypeAt(module, body, code, at);
}

/** The type of the function that call instruction `at` calls. */
export function calleeType(module: Module, spaces: IndexSpaces, body: Body, at: number): FunctionType {
  const { op, a } = body;
  if (op[at] !== OP.call && op[at] !== OP.returnCall) return functionTypeAt(module, body, a[at]!, at);
  const type = spaces.functions[a[at]!];
  if (type === undefined) throw faultAt(body, at, `a function index below ${spaces.functions.length}, found ${a[at]}`);
  return functionTypeAt(module, body, type, at);
}

/** The types of the values that instruction `at`, which pushes several or opens a block, leaves on the stack. */
export function pushedTypes(module: Module, spaces: IndexSpaces, body: Body, at: number): readonly ValueType[] {
  switch (body.op[at]) {
    case OP.call:
    case OP.callIndirect:
    case OP.callRef:
      return calleeType(module, spaces, body, at).results;
    case OP.end:
    case OP.delegate:
      return blockSignature(module, body, body.match[at]!).results;
    case OP.else:
      return blockSignature(module, body, body.match[at]!).params;
    case OP.catch:
      return functionTypeAt(module, body, spaces.tags[body.a[at]!]!, at).params;
    default:
      return blockSignature(module, body, at).params;
  }
}

function oneResult(type: ValueType): FunctionType {
  return { params: NO_TYPES, results: [type] };
}

/** @throws WasmFault unless `index` is that of a function type */
export function functionTypeAt(module: Module, body: Body, index: number, at: number): FunctionType {
  const type = module.types[index];
  if (type?.kind !== "func") throw faultAt(body, at, `the index of a function type, found ${index}`);
  return type;
}

/** What is wrong with instruction `at`. */
export function faultAt(body: Body, at: number, expected: string): WasmFault {
  return new WasmFault("malformed", `expected ${expected}`, {
    offset: body.offset + body.start[at]!,
    section: "code section",
  });
}
