// The memory of AssemblyScript objects: a heap over RAM dataspaces (heap.ts), with a static start block for objects that
// are made before the component has an environment. Given to the compiler as its runtime. There is no collector: what is
// not freed with `heap.free(changetype<usize>(object) - 16)` stays, so loops must not allocate.
import { Heap } from "./heap";
import { BLOCK_MAXSIZE, OBJECT, OBJECT_OVERHEAD, BLOCK_OVERHEAD } from "rt/common";

@lazy const START_BYTES: usize = 4096;
@lazy const start: usize = memory.data(4096, 16);
@lazy let startUsed: usize = 0;
@lazy const state: usize = memory.data(128, 16);
@lazy let objects: usize = 0;

/** From now on objects come from dataspaces. */
export function openHeap(): void {
  objects = changetype<usize>(Heap.at(state));
}

function inStart(address: usize): bool {
  return address >= start && address < start + START_BYTES;
}

// @ts-ignore: decorator
@global @unsafe
export function __alloc(size: usize): usize {
  if (objects) {
    const at = changetype<Heap>(objects).alloc(max<usize>(size, 1));
    if (!at) unreachable();
    return at;
  }
  const at = start + startUsed;
  startUsed += (size + 15) & ~15;
  if (startUsed > START_BYTES) unreachable();
  return at;
}

// @ts-ignore: decorator
@global @unsafe
export function __realloc(address: usize, size: usize): usize {
  const capacity: usize = inStart(address) ? 0 : changetype<Heap>(objects).capacity(address);
  if (size <= capacity) return address;
  const at = __alloc(size);
  memory.copy(at, address, inStart(address) ? min(size, start + START_BYTES - address) : min(size, capacity));
  if (!inStart(address)) __free(address);
  return at;
}

// @ts-ignore: decorator
@global @unsafe
export function __free(address: usize): void {
  if (!inStart(address)) changetype<Heap>(objects).free(address);
}

// The object's header lies in front of it, the block's own word in front of that: BLOCK_OVERHEAD is a part of both.
// @ts-ignore: decorator
@global @unsafe
export function __new(size: usize, id: u32): usize {
  if (size > BLOCK_MAXSIZE) unreachable();
  const block = __alloc(OBJECT_OVERHEAD + BLOCK_OVERHEAD + size + 12);
  // objects are aligned to 16: the header takes OBJECT_OVERHEAD + BLOCK_OVERHEAD bytes before them
  const object = block + ((OBJECT_OVERHEAD + BLOCK_OVERHEAD + 15) & ~15);
  const header = changetype<OBJECT>(object - OBJECT_OVERHEAD - BLOCK_OVERHEAD);
  header.gcInfo = 0;
  header.gcInfo2 = 0;
  header.rtId = id;
  header.rtSize = <u32>size;
  memory.fill(object, 0, size);
  return object;
}

// @ts-ignore: decorator
@global @unsafe
export function __renew(oldAddress: usize, size: usize): usize {
  const header = changetype<OBJECT>(oldAddress - OBJECT_OVERHEAD - BLOCK_OVERHEAD);
  const address = __new(size, header.rtId);
  memory.copy(address, oldAddress, min<usize>(size, header.rtSize));
  return address;
}

// @ts-ignore: decorator
@global @unsafe
export function __link(parentAddress: usize, childAddress: usize, expectMultiple: bool): void {}

// @ts-ignore: decorator
@global @unsafe
export function __pin(address: usize): usize {
  return address;
}

// @ts-ignore: decorator
@global @unsafe
export function __unpin(address: usize): void {}

// @ts-ignore: decorator
@global @unsafe
function __visit(address: usize, cookie: u32): void {}

// @ts-ignore: decorator
@global @unsafe
export function __collect(): void {}
