// Is there enough stack left? A caller that has used up nearly all of it must not make its server trap when the dispatch
// runs nested in its host call, and no host function may run out of stack halfway through a change of state.
//
// No engine tells how much is left. But each checks, when a function with a large frame is entered, whether the frame
// fits, before it touches it. So a Wasm function is made whose frame is FRAME_BYTES, because so many loaded vectors are
// needed behind a call (which is never made), and it calls itself a few times: some nanoseconds once it is optimised.
// If it does not fit, the engine throws.
import { ByteWriter } from "../../util/index.ts";

const VECTORS = 4096;
/** 16 bytes a vector; what a host function has at least. */
export const FRAME_BYTES = VECTORS * 16;
/** What a nested dispatch has at least, in bytes. */
export const STACK_ROOM_BYTES = 4 * FRAME_BYTES;
const DEPTH = STACK_ROOM_BYTES / FRAME_BYTES - 1;

const I32 = 0x7f;
const V128 = 0x7b;
const OP = {
  if: 0x04,
  else: 0x05,
  end: 0x0b,
  call: 0x10,
  localGet: 0x20,
  localSet: 0x21,
  i32Const: 0x41,
  i32Eqz: 0x45,
  i32Sub: 0x6b,
  simd: 0xfd,
  load: 0,
  store: 11,
} as const;
const NO_RESULT = 0x40;

let probe: ((depth: number, never: number) => number) | undefined;

/** Whether STACK_ROOM_BYTES are left on the stack of this JavaScript thread. */
export function stackHasRoom(): boolean {
  probe ??= makeProbe();
  try {
    return probe(DEPTH, 0) === 1;
  } catch {
    return false; // V8 throws a RangeError, SpiderMonkey an InternalError
  }
}

/**
 * Call it first in host functions, before they change anything.
 *
 * @throws what the engine throws for an exhausted stack, unless FRAME_BYTES are left: the guest's thread ends by it
 */
export function requireHostStack(): void {
  probe ??= makeProbe();
  probe(0, 0);
}

function makeProbe(): (depth: number, never: number) => number {
  const module = new WebAssembly.Module(moduleBytes() as BufferSource);
  const { exports } = new WebAssembly.Instance(module, { h: { f: () => {} } });
  return exports["probe"] as (depth: number, never: number) => number;
}

/** `probe(depth, never)`: 1, after as many frames as `depth` says and one more; `h.f` is imported and never called. */
function moduleBytes(): Uint8Array {
  const module = new ByteWriter();
  module.bytes([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]);
  const section = (id: number, content: readonly number[]) => {
    module.u8(id);
    module.sized(new Uint8Array(content));
  };
  section(1, [2, 0x60, 2, I32, I32, 1, I32, 0x60, 0, 0]);
  section(2, [1, 1, 0x68, 1, 0x66, 0, 1]);
  section(3, [1, 0]);
  section(5, [1, 0, 1]);
  section(7, [1, 5, ...new TextEncoder().encode("probe"), 0, 1]);
  const body = bodyBytes();
  const code = new ByteWriter();
  code.u32(1);
  code.sized(body);
  module.u8(10);
  module.sized(code.view());
  return module.toBytes();
}

function bodyBytes(): Uint8Array {
  const body = new ByteWriter();
  body.u8(1);
  body.u32(VECTORS);
  body.u8(V128);
  body.bytes([OP.localGet, 1, OP.if, NO_RESULT]);
  // Each from another address, so that none is the same as another.
  for (let i = 0; i < VECTORS; i++) {
    access(body, OP.load, i, () => {});
    body.u8(OP.localSet);
    body.u32(2 + i);
  }
  body.bytes([OP.call, 0]);
  for (let i = 0; i < VECTORS; i++) {
    access(body, OP.store, i, () => {
      body.u8(OP.localGet);
      body.u32(2 + i);
    });
  }
  body.u8(OP.end);
  body.bytes([OP.localGet, 0, OP.i32Eqz, OP.if, I32, OP.i32Const, 1, OP.else]);
  body.bytes([OP.localGet, 0, OP.i32Const, 1, OP.i32Sub, OP.i32Const, 0, OP.call, 1, OP.end, OP.end]);
  return body.toBytes();
}

function access(body: ByteWriter, operation: number, index: number, value: () => void): void {
  body.bytes([OP.i32Const, 0]);
  value();
  body.bytes([OP.simd, operation, 0]);
  body.u32(index * 8);
}
