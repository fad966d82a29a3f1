// Arguments into a call and results out of it, for callables of either world.

import {
  F32,
  F64,
  type FunctionType,
  globalType,
  I32,
  I64,
  isRef,
  type Module,
  V128,
  type ValueType,
} from "../../../src/wasm/index.ts";
import { isExceptionReference, readerModule } from "./caller.ts";
import type { Constant } from "./script.ts";
import { type Actual, isNumber, type NumberType, numberBytes, referenceOf, VALUE_BYTES } from "./values.ts";

const NAMES: ReadonlyMap<ValueType, NumberType> = new Map<ValueType, NumberType>([
  [I32, "i32"],
  [I64, "i64"],
  [F32, "f32"],
  [F64, "f64"],
  [V128, "v128"],
]);
const BYTES: Readonly<Record<NumberType, number>> = { i32: 4, i64: 8, f32: 4, f64: 8, v128: 16 };

/** Arguments of a function that JavaScript calls itself: only i32, i64 and references. */
export function directArguments(args: readonly Constant[]): unknown[] {
  return args.map((arg) => {
    if (arg.type === "i32") return Number(BigInt.asIntN(32, BigInt(arg.value as string)));
    if (arg.type === "i64") return BigInt.asIntN(64, BigInt(arg.value as string));
    return referenceOf(arg);
  });
}

/** Its results. */
export function directResults({ results }: FunctionType, values: readonly unknown[]): Actual[] {
  return results.map((type, index) => {
    const value = values[index];
    if (isRef(type)) return { kind: "reference", value };
    const bytes = new Uint8Array(type === I32 ? 4 : 8);
    const view = new DataView(bytes.buffer);
    if (type === I32) view.setInt32(0, value as number, true);
    else view.setBigInt64(0, value as bigint, true);
    return { kind: "number", type: NAMES.get(type)!, bytes };
  });
}

/** Puts the numbers among the arguments into a caller's memory; returns the references, which are passed. */
export function callerArguments(memory: WebAssembly.Memory, args: readonly Constant[]): unknown[] {
  const bytes = new Uint8Array(memory.buffer);
  args.forEach((arg, index) => {
    if (isNumber(arg.type)) bytes.set(numberBytes(arg), index * VALUE_BYTES);
  });
  return args.filter((arg) => !isNumber(arg.type)).map(referenceOf);
}

/** The results that a caller has left in its memory, and those it returned. */
export function callerResults(
  memory: WebAssembly.Memory,
  { results }: FunctionType,
  returned: readonly unknown[],
): Actual[] {
  const bytes = new Uint8Array(memory.buffer);
  let reference = 0;
  return results.map((type, index) => {
    const at = index * VALUE_BYTES;
    if (isExceptionReference(type)) return { kind: "exception", isNull: bytes[at] === 1 };
    if (isRef(type)) return { kind: "reference", value: returned[reference++] };
    return numberAt(bytes, at, type);
  });
}

function numberAt(bytes: Uint8Array, at: number, type: ValueType): Actual {
  const name = NAMES.get(type)!;
  return { kind: "number", type: name, bytes: bytes.slice(at, at + BYTES[name]) };
}

/** The value of a global, exactly. */
export function globalValue(module: Module, index: number, global: WebAssembly.Global): Actual {
  const { type, mutable } = globalType(module, index);
  if (isRef(type) && !isExceptionReference(type)) return { kind: "reference", value: global.value };
  const reader = new WebAssembly.Instance(new WebAssembly.Module(readerModule(type, mutable)), { m: { g: global } });
  (reader.exports["read"] as () => void)();
  const bytes = new Uint8Array((reader.exports["values"] as WebAssembly.Memory).buffer);
  return isRef(type) ? { kind: "exception", isNull: bytes[0] === 1 } : numberAt(bytes, 0, type);
}
