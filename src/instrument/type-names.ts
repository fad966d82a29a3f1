// Types of the original as hosts name them.

import type { Signature, ValueTypeName } from "../abi/index.ts";
import {
  EXTERNREF,
  F32,
  F64,
  type FunctionType,
  HEAP,
  heapOf,
  I32,
  I64,
  isRef,
  type Module,
  V128,
  type ValueType,
} from "../wasm/index.ts";

export function typeName(type: ValueType): ValueTypeName {
  switch (type) {
    case I32:
      return "i32";
    case I64:
      return "i64";
    case F32:
      return "f32";
    case F64:
      return "f64";
    case V128:
      return "v128";
  }
  if (isRef(type) && heapOf(type) === heapOf(EXTERNREF)) return "externref";
  return heapOf(type) === HEAP.exn || heapOf(type) === HEAP.noexn ? "exnref" : "funcref";
}

/** Parameters and results of the function type of this index. */
export function signatureOf({ types }: Module, type: number): Signature {
  const { params, results } = types[type] as FunctionType;
  return { params: params.map(typeName), results: results.map(typeName) };
}
