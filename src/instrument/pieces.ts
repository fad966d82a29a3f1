// Which operations are cut into pieces so that a freeze need not wait for them: bulk memory operations of unknown or
// great length and atomic waits. Their code is in emit-pieces.ts.

import { BULK_PIECE_BYTES } from "../abi/index.ts";
import { type Body, type Module, OP } from "../wasm/index.ts";

/**
 * Whether the operation at `at` is a safe point with its operands on the stack. Follows from the original alone.
 *
 * @param origins instructions that produced the operand stack of `height` values
 */
export function isPiecewise(body: Body, at: number, module: Module, origins: Int32Array, height: number): boolean {
  switch (body.op[at]) {
    case OP.wait32:
    case OP.wait64:
      return true;
    case OP.memoryInit:
      return (module.data[body.a[at]!]?.bytes.length ?? 0) > BULK_PIECE_BYTES;
    case OP.memoryCopy:
    case OP.memoryFill: {
      const length = origins[height - 1]!;
      const short = body.op[length] === OP.i32Const && body.a[length]! >>> 0 <= BULK_PIECE_BYTES;
      return !short;
    }
    default:
      return false;
  }
}
