// Generates modules that call a function for JavaScript: numbers go through a memory, because JavaScript can neither
// hold a v128 nor keep the bits of every NaN; of exception references only goes out whether they are null.
//
//   (table (export "function") 1 funcref)   the function to call, put there by the host
//   (memory (export "values") 1)            argument i at 16 * i, result i at 16 * i when the call has returned
//   (func (export "call") ...)              takes and returns the references, in order
//
// The types are those of the callee's module, so that the signature is the same type in both. In a group the caller
// is an instance like every other: frames of the call lie on both sides of a link.

import { ByteWriter } from "../../../src/util/index.ts";
import {
  asNullable,
  emptyModule,
  encodeModule,
  F32,
  F64,
  FUNCREF,
  type FunctionType,
  HEAP,
  heapOf,
  I32,
  I64,
  isNullable,
  isRef,
  type Module,
  OP,
  opcodeBytes,
  V128,
  type ValueType,
  writeValueType,
} from "../../../src/wasm/index.ts";
import { VALUE_BYTES } from "./values.ts";

const LOAD: ReadonlyMap<ValueType, number> = new Map<ValueType, number>([
  [I32, OP.i32Load],
  [I64, OP.i64Load],
  [F32, OP.f32Load],
  [F64, OP.f64Load],
  [V128, OP.v128Load],
]);
const STORE: ReadonlyMap<ValueType, number> = new Map<ValueType, number>([
  [I32, OP.i32Store],
  [I64, OP.i64Store],
  [F32, OP.f32Store],
  [F64, OP.f64Store],
  [V128, OP.v128Store],
]);

export function isExceptionReference(type: ValueType): boolean {
  return isRef(type) && (heapOf(type) === HEAP.exn || heapOf(type) === HEAP.noexn);
}

/** Whether JavaScript can pass the values of a signature itself, and exactly. */
export function passable({ params, results }: FunctionType): boolean {
  return [...params, ...results].every(
    (type) => type === I32 || type === I64 || (isRef(type) && !isExceptionReference(type)),
  );
}

/** A module that calls functions of type `typeIndex` of `module`. */
export function callerModule(module: Module, typeIndex: number): Uint8Array<ArrayBuffer> {
  const type = module.types[typeIndex] as FunctionType;
  const call = { params: type.params.filter(isRef), results: type.results.filter(crosses) };
  return encodeModule({
    ...emptyModule(),
    types: [...module.types, { kind: "func", ...call }],
    typeGroups: module.typeGroups,
    functions: [module.types.length],
    tables: [{ type: { element: FUNCREF, limits: { min: 1, shared: false, index64: false } } }],
    memories: [{ min: 1, shared: false, index64: false }],
    exports: [
      { name: "function", kind: "table", index: 0 },
      { name: "values", kind: "memory", index: 0 },
      { name: "call", kind: "func", index: 0 },
    ],
    code: [{ bytes: callBody(type, typeIndex), offset: 0 }],
  });
}

/** A module that reads an imported global `m` `g` into its memory; of a reference, whether it is null. */
export function readerModule(type: ValueType, mutable: boolean): Uint8Array<ArrayBuffer> {
  const code = new ByteWriter();
  code.u32(0);
  code.bytes([OP.i32Const, 0, OP.globalGet, 0]);
  if (isRef(type)) code.u8(OP.refIsNull);
  access(code, STORE.get(isRef(type) ? I32 : type)!, 0);
  code.u8(OP.end);
  return encodeModule({
    ...emptyModule(),
    types: [{ kind: "func", params: [], results: [] }],
    imports: [{ module: "m", name: "g", kind: "global", global: { type, mutable } }],
    functions: [0],
    memories: [{ min: 1, shared: false, index64: false }],
    exports: [
      { name: "values", kind: "memory", index: 0 },
      { name: "read", kind: "func", index: 0 },
    ],
    code: [{ bytes: code.view(), offset: 0 }],
  });
}

/** References that JavaScript can hold. */
function crosses(type: ValueType): boolean {
  return isRef(type) && !isExceptionReference(type);
}

function callBody({ params, results }: FunctionType, typeIndex: number): Uint8Array {
  const code = new ByteWriter();
  const references = params.filter(isRef).length;
  code.u32(results.length);
  for (const type of results) {
    code.u32(1);
    writeValueType(code, asNullable(type));
  }
  let reference = 0;
  params.forEach((type, index) => {
    if (isRef(type)) {
      local(code, OP.localGet, reference++);
      return;
    }
    code.bytes([OP.i32Const, 0]);
    access(code, LOAD.get(type)!, index);
  });
  code.bytes([OP.i32Const, 0, OP.callIndirect]);
  code.u32(typeIndex);
  code.u32(0);
  for (let i = results.length - 1; i >= 0; i--) local(code, OP.localSet, references + i);
  results.forEach((type, index) => {
    storeResult(code, type, index, references + index);
  });
  code.u8(OP.end);
  return code.view();
}

function storeResult(code: ByteWriter, type: ValueType, index: number, from: number): void {
  if (crosses(type)) {
    local(code, OP.localGet, from);
    if (!isNullable(type)) code.u8(OP.refAsNonNull);
    return;
  }
  code.bytes([OP.i32Const, 0]);
  local(code, OP.localGet, from);
  if (isRef(type)) code.u8(OP.refIsNull);
  access(code, STORE.get(isRef(type) ? I32 : type)!, index);
}

function local(code: ByteWriter, op: number, index: number): void {
  code.u8(op);
  code.u32(index);
}

function access(code: ByteWriter, op: number, index: number): void {
  code.bytes(opcodeBytes(op));
  code.u32(0);
  code.u32(index * VALUE_BYTES);
}
