// Which pages of a linear memory hold something. Memory that nobody has touched is long, and all that can be done is to look
// at it: SIMD does that at 100 GB/s, as the pages that the system shows there are all one page of zeros.
import { PAGE_BYTES } from "../../session/index.ts";
import type { ComponentMemory } from "./component-memory.ts";

/** Bytes that the function looks at in a turn. */
const STEP_BYTES = 128;

/**
 * A module with one function, of an address and a number of steps: it looks at STEP_BYTES from the address on, as long as
 * they are zero, and returns how many steps are left.
 *
 *   (func (export "f") (param $at i32) (param $left i32) (result i32)
 *     (block $out (loop $next
 *       (br_if $out (i32.eqz (local.get $left)))
 *       (br_if $out (v128.any_true (v128.or (v128.load (local.get $at)) ... (v128.load offset=112 (local.get $at)))))
 *       (local.set $at (i32.add (local.get $at) (i32.const 128)))
 *       (local.set $left (i32.sub (local.get $left) (i32.const 1)))
 *       (br $next)))
 *     (local.get $left))
 */
const MODULE = {
  head: "0061736d0100000001070160027f7f017f02",
  sharedMemory: "0b01016d016d020300808004",
  memory: "0801016d016d020000",
  rest:
    "03020100070501016600000a64016200024003402001450d012000fd0004002000fd000410fd502000fd0004202000fd000430fd50fd50" +
    "2000fd0004402000fd000450fd502000fd0004602000fd000470fd50fd50fd50fd530d0120004180016a2100200141016b21010c000b0b" +
    "20010b",
} as const;

type Look = (address: number, steps: number) => number;

const looks = new WeakMap<WebAssembly.Memory, Look>();
const modules = new Map<boolean, WebAssembly.Module>();

function lookOf(memory: WebAssembly.Memory): Look {
  let look = looks.get(memory);
  if (look) return look;
  const shared = (memory.buffer as ArrayBufferLike) instanceof SharedArrayBuffer;
  let module = modules.get(shared);
  if (!module) {
    const hex = MODULE.head + (shared ? MODULE.sharedMemory : MODULE.memory) + MODULE.rest;
    module = new WebAssembly.Module(Uint8Array.from(hex.match(/../g) ?? [], (byte) => parseInt(byte, 16)));
    modules.set(shared, module);
  }
  look = new WebAssembly.Instance(module, { m: { m: memory } }).exports["f"] as Look;
  looks.set(memory, look);
  return look;
}

/**
 * The first page of [start, end) that is not zero; undefined: all are. Both are multiples of a page.
 *
 * @param memory with 32-bit addresses
 */
export function firstUsedPage(memory: WebAssembly.Memory, start: number, end: number): number | undefined {
  const left = lookOf(memory)(start | 0, (end - start) / STEP_BYTES) >>> 0;
  if (left === 0) return undefined;
  const at = end - left * STEP_BYTES;
  return at - (at % PAGE_BYTES);
}

/** The same of any memory, by its words. */
export function firstUsedOf(words: Int32Array, start: number, end: number): number | undefined {
  for (let at = start; at < end; at += 4) if (words[at / 4] !== 0) return at - (at % PAGE_BYTES);
  return undefined;
}

/** The first page of [start, end) that is zero; `end` if there is none. */
export function firstFreePage(memory: Pick<ComponentMemory, "firstUsed">, start: number, end: number): number {
  let at = start;
  while (at < end && memory.firstUsed(at, at + PAGE_BYTES) === at) at += PAGE_BYTES;
  return at;
}
