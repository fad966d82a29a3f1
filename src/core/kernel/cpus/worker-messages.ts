// Messages without capabilities, of components on a CPU that is not the kernel's: nobody else need look at them.
import { MESSAGE } from "../../../abi/index.ts";
import type { WorkerEngine } from "./worker-engine.ts";

/** How many bytes a message has; negative: the kernel must look at it, at its capabilities or at where it lies. */
export function plainBytes(engine: WorkerEngine, address: number): number {
  const words = messageWords(engine, address);
  if (!words) return -1;
  const at = address >>> 2;
  const bytes = words[at]! >>> 0;
  return words[at + 1] === 0 && bytes <= MESSAGE.maxBytes ? bytes : -1;
}

/** The memory in which a whole message buffer lies; undefined if it lies behind windows, or is none. */
export function messageWords(engine: WorkerEngine, address: number): Int32Array | undefined {
  return (address & 3) === 0 ? engine.words((address >>> 0) + MESSAGE.sizeBytes) : undefined;
}

/** @param bytes of a message without capabilities; both buffers are there */
export function copyPlain(from: WorkerEngine, source: number, to: WorkerEngine, target: number, bytes: number): void {
  const read = messageWords(from, source)!;
  const write = messageWords(to, target)!;
  to.wrote(target, MESSAGE.data + bytes);
  writeHead(write, target, bytes);
  copyBytes(read, dataOf(source), write, dataOf(target), bytes);
}

/** The word at which the data of a message begin. */
export function dataOf(address: number): number {
  return (address >>> 2) + (MESSAGE.data >> 2);
}

/** Of a message without capabilities. */
function writeHead(write: Int32Array, address: number, bytes: number): void {
  write[address >>> 2] = bytes;
  write[(address >>> 2) + 1] = 0;
}

/** @param from @param to words at which the bytes begin */
export function copyBytes(read: Int32Array, from: number, write: Int32Array, to: number, bytes: number): void {
  const words = bytes >> 2;
  for (let word = 0; word < words; word++) write[to + word] = read[from + word]!;
  const rest = bytes & 3;
  if (rest === 0) return;
  const from8 = new Uint8Array(read.buffer, read.byteOffset + (from + words) * 4, rest);
  new Uint8Array(write.buffer, write.byteOffset + (to + words) * 4, rest).set(from8);
}
