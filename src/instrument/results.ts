// Results of continuations: a call to one must agree with it on its type, whatever the caller knows of the callee.
//
// A call through a table or a reference names a supertype of the callee's type, another instance's module has type
// indices of its own, and a host function is known by the names of types only. So references cross as what their
// hierarchy begins with (funcref, externref, exnref), and the caller narrows them to what it expects.

import type { ByteWriter } from "../util/index.ts";
import {
  EXNREF,
  EXTERNREF,
  FUNCREF,
  HEAP,
  heapOf,
  isAbstractHeap,
  isNullable,
  isRef,
  OP,
  type ValueType,
  writeHeapType,
} from "../wasm/index.ts";
import type { Space } from "./space.ts";

const REF_CAST = [0xfb, 0x16];
const REF_CAST_NULL = [0xfb, 0x17];

/** Result types as a continuation has them. */
export function crossing(results: readonly ValueType[]): readonly ValueType[] {
  return results.map(widest);
}

/** Makes `results` of what a continuation has left on the stack. */
export function writeNarrowing(writer: ByteWriter, space: Space, results: readonly ValueType[]): void {
  if (results.every((type) => type === widest(type))) return;
  writer.u8(OP.call);
  writer.u32(narrowing(space, results));
}

function narrowing(space: Space, results: readonly ValueType[]): number {
  return space.shared(`narrow ${results.join()}`, (writer) => {
    writer.u8(0);
    results.forEach((type, index) => {
      writer.u8(OP.localGet);
      writer.u32(index);
      writeCast(writer, type);
    });
    writer.u8(OP.end);
    return space.typeIndex(crossing(results), results);
  });
}

/** From the widest type to `type`, which a value is known to have. */
function writeCast(writer: ByteWriter, type: ValueType): void {
  const wide = widest(type);
  if (type === wide) return;
  if (heapOf(type) === heapOf(wide)) {
    writer.u8(OP.refAsNonNull);
  } else if (heapOf(type) === HEAP.noexn) {
    // Exception references cannot be cast; of this type there is only null.
    writer.u8(OP.drop);
    writer.bytes(isNullable(type) ? [OP.refNull] : [OP.unreachable]);
    if (isNullable(type)) writeHeapType(writer, HEAP.noexn);
  } else {
    writer.bytes(isNullable(type) ? REF_CAST_NULL : REF_CAST);
    writeHeapType(writer, heapOf(type));
  }
}

function widest(type: ValueType): ValueType {
  if (!isRef(type)) return type;
  const heap = heapOf(type);
  if (!isAbstractHeap(heap)) return FUNCREF;
  if (heap === HEAP.exn || heap === HEAP.noexn) return EXNREF;
  return heap === HEAP.extern || heap === HEAP.noextern ? EXTERNREF : FUNCREF;
}
