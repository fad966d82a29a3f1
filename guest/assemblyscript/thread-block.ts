// What every thread has to itself: a block at the upper end of its stack, found through the stack pointer, which the
// kernel keeps for each thread.
//
//   0      message buffer of its calls
//   1064   u32 read cursor, u32 slots read
//   1072   u32 length of the line being printed, u8[230] the line
//   1308   u32 why its last allocation failed
//   1312   end; the stack begins below the block
//
// AssemblyScript keeps nothing of its own on a stack in memory; `stackAlloc` is for programs that want to.

import { AREA_STACK_AREA, AREA_STACK_AREA_BYTES, AREA_STACK_SLOT_BYTES } from "../../build/guest-abi/assemblyscript/abi";

@lazy export const BLOCK_BYTES: usize = 1312;
@lazy export const BLOCK_CURSOR: usize = 1064;
@lazy export const BLOCK_LINE: usize = 1072;
@lazy export const BLOCK_STATUS: usize = 1308;
@lazy export const SLOT_BYTES: usize = AREA_STACK_SLOT_BYTES;
@lazy export const SLOTS: u32 = AREA_STACK_AREA_BYTES / AREA_STACK_SLOT_BYTES;

/** Exported as `__stack_pointer` by startup.ts: the kernel saves and sets it when it switches threads. A small
 * static stack serves the initial thread until it has a stack of the stack area. */
@lazy export let stackPointer: usize = memory.data(2048, 16) + 2048;

/** The initial thread's block until it has a stack. */
@lazy const initialBlock: usize = memory.data(1312);
/** Thread objects by slot. */
@lazy export const threadsBySlot: usize = memory.data(1024);

export function setStackPointer(address: usize): void {
  stackPointer = address;
}

export function slotTop(slot: u32): usize {
  return AREA_STACK_AREA + (slot + 1) * SLOT_BYTES;
}

/** The slot of the calling thread's stack; SLOTS for the initial thread before it has one. */
export function currentSlot(): u32 {
  if (stackPointer <= AREA_STACK_AREA) return SLOTS;
  const slot = <u32>((stackPointer - 1 - AREA_STACK_AREA) / SLOT_BYTES);
  return min(slot, SLOTS);
}

export function threadBlock(): usize {
  const slot = currentSlot();
  return slot < SLOTS ? slotTop(slot) - BLOCK_BYTES : initialBlock;
}

/** Memory on the calling thread's stack, aligned to 16; give it back with `stackFree`, last first. */
export function stackAlloc(bytes: usize): usize {
  stackPointer = (stackPointer - bytes) & ~15;
  return stackPointer;
}

/** @param before the stack pointer before `stackAlloc` */
export function stackFree(before: usize): void {
  stackPointer = before;
}
