// The calling thread's message buffer: arguments in, results out, both in order. A call ends what the one before left.
import { kernelCall, kernelCapRelease, MESSAGE_DATA, MESSAGE_MAX_BYTES, MESSAGE_MAX_CAPABILITIES, MESSAGE_SLOTS, Status } from "../../build/guest-abi/assemblyscript/abi";
import { BLOCK_CURSOR, threadBlock } from "./thread-block";

/** Begins a request. */
export function begin(): void {
  const block = threadBlock();
  store<u32>(block, 0);
  store<u32>(block, 0, 4);
}

/** Room for `bytes` in a message that is written; 0, and the message is marked as too long, if there is none. */
export function takeOf(message: usize, bytes: u32): usize {
  const at = (load<u32>(message) + 3) & ~3;
  if (at > MESSAGE_MAX_BYTES || bytes > MESSAGE_MAX_BYTES - at) {
    store<u32>(message, MESSAGE_MAX_BYTES + 1);
    return 0;
  }
  store<u32>(message, at + bytes);
  return message + MESSAGE_DATA + at;
}

export function putU32(value: u32): void {
  const to = takeOf(threadBlock(), 4);
  if (to) store<u32>(to, value);
}

export function putU64(value: u64): void {
  const to = takeOf(threadBlock(), 8);
  if (to) store<u64>(to, value);
}

export function putText(value: string): void {
  const length = String.UTF8.byteLength(value);
  putU32(length);
  const to = takeOf(threadBlock(), length);
  if (to) String.UTF8.encodeUnsafe(changetype<usize>(value), value.length, to);
}

export function putBytes(from: usize, length: u32): void {
  putU32(length);
  const to = takeOf(threadBlock(), length);
  if (to) memory.copy(to, from, length);
}

/** @param at address of x, y, width, height; 0: anywhere */
export function putLocation(at: usize): void {
  for (let i: usize = 0; i < 16; i += 4) putU32(at ? load<u32>(at + i) : 0);
}

export function putSlot(slot: u32): void {
  putSlotOf(threadBlock(), slot);
}

export function putSlotOf(message: usize, slot: u32): void {
  const count = load<u32>(message, 4);
  if (count >= MESSAGE_MAX_CAPABILITIES) {
    store<u32>(message, MESSAGE_MAX_BYTES + 1);
    return;
  }
  store<u32>(message + MESSAGE_SLOTS + count * 4, slot);
  store<u32>(message, count + 1, 4);
}

/** @param errors address of the Status values that the function declares, a byte each */
export function invoke(target: u32, opcode: u32, errors: usize, count: u32): Status {
  const block = threadBlock();
  if (load<u32>(block) > MESSAGE_MAX_BYTES) return Status.BadMessage;
  const status = kernelCall(target, opcode, block);
  store<u32>(block + BLOCK_CURSOR, 0);
  store<u32>(block + BLOCK_CURSOR, 0, 4);
  if (status) return <Status>status;
  const outcome = getU32();
  if (outcome == 0) return Status.Ok;
  return outcome <= count ? <Status>load<u8>(errors + outcome - 1) : Status.Failed;
}

function read(bytes: u32): usize {
  const block = threadBlock();
  const at = load<u32>(block + BLOCK_CURSOR);
  const end = min(load<u32>(block), MESSAGE_MAX_BYTES);
  if (at > end || bytes > end - at) return 0;
  store<u32>(block + BLOCK_CURSOR, (at + bytes + 3) & ~3);
  return block + MESSAGE_DATA + at;
}

/** Results beyond the reply's end are 0. */
export function getU32(): u32 {
  const from = read(4);
  return from ? load<u32>(from) : 0;
}

export function getU64(): u64 {
  const from = read(8);
  return from ? load<u64>(from) : 0;
}

/** Allocates the text. */
export function getText(): string {
  const length = getU32();
  const from = read(length);
  return from ? String.UTF8.decodeUnsafe(from, length) : "";
}

/** The caller owns the reference. */
export function getSlot(): u32 {
  const block = threadBlock();
  const index = load<u32>(block + BLOCK_CURSOR, 4);
  if (index >= min(load<u32>(block, 4), MESSAGE_MAX_CAPABILITIES)) return 0;
  store<u32>(block + BLOCK_CURSOR, index + 1, 4);
  return load<u32>(block + MESSAGE_SLOTS + index * 4);
}

/** Gives back one reference; 0 is fine. */
export function release(slot: u32): void {
  if (slot) kernelCapRelease(slot);
}
