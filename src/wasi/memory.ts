// The caller's linear memory with bounds: every access beyond it is errno "fault", never an exception of JavaScript.
// Pointers are u32, everything is little-endian. The bytes may lie in shared memory, so nothing is decoded in place.

import type { HostCall } from "../abi/index.ts";
import { fail } from "./fault.ts";
import { BUFFER_LIMIT, PATH_LIMIT_BYTES } from "./limits.ts";

/** One buffer of a scattered read or a gathered write. */
export interface GuestBuffer {
  readonly pointer: number;
  readonly length: number;
}

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

export class GuestMemory {
  readonly #call: HostCall;

  constructor(call: HostCall) {
    this.#call = call;
  }

  /** A view of the bytes, valid until the call waits or the memory grows. */
  bytes(pointer: number, length: number): Uint8Array {
    const memory = this.#call.memory;
    if (pointer + length > memory.length) fail("fault");
    return memory.subarray(pointer, pointer + length);
  }

  /** Ends the call unless the range lies in the memory: asked before an effect whose result is written there. */
  require(pointer: number, length: number): void {
    if (pointer + length > this.#call.memory.length) fail("fault");
  }

  u8(pointer: number): number {
    return this.bytes(pointer, 1)[0]!;
  }

  u16(pointer: number): number {
    const bytes = this.bytes(pointer, 2);
    return bytes[0]! | (bytes[1]! << 8);
  }

  u32(pointer: number): number {
    const bytes = this.bytes(pointer, 4);
    return (bytes[0]! | (bytes[1]! << 8) | (bytes[2]! << 16) | (bytes[3]! << 24)) >>> 0;
  }

  u64(pointer: number): bigint {
    return BigInt(this.u32(pointer)) | (BigInt(this.u32(pointer + 4)) << 32n);
  }

  setU8(pointer: number, value: number): void {
    this.bytes(pointer, 1)[0] = value;
  }

  setU16(pointer: number, value: number): void {
    const bytes = this.bytes(pointer, 2);
    bytes[0] = value;
    bytes[1] = value >>> 8;
  }

  setU32(pointer: number, value: number): void {
    const bytes = this.bytes(pointer, 4);
    bytes[0] = value;
    bytes[1] = value >>> 8;
    bytes[2] = value >>> 16;
    bytes[3] = value >>> 24;
  }

  /** Writes the low 64 bits. */
  setU64(pointer: number, value: bigint): void {
    this.require(pointer, 8);
    this.setU32(pointer, Number(value & 0xffff_ffffn));
    this.setU32(pointer + 4, Number((value >> 32n) & 0xffff_ffffn));
  }

  set(pointer: number, bytes: Uint8Array): void {
    this.bytes(pointer, bytes.length).set(bytes);
  }

  /** A path or a link's target: UTF-8 ("ilseq" otherwise) without NUL ("inval"), of bounded length ("nametoolong"). */
  path(pointer: number, length: number): string {
    const bytes = this.bytes(pointer, length);
    if (length > PATH_LIMIT_BYTES) fail("nametoolong");
    const text = decodeUtf8(bytes.slice());
    return text.includes("\0") ? fail("inval") : text;
  }

  /** The buffers that a vector of (pointer, length) pairs describes; all of them lie in the memory. */
  buffers(pointer: number, count: number): readonly GuestBuffer[] {
    if (count > BUFFER_LIMIT) fail("inval");
    this.require(pointer, count * 8);
    const buffers: GuestBuffer[] = [];
    for (let at = pointer; at < pointer + count * 8; at += 8) {
      const buffer = { pointer: this.u32(at), length: this.u32(at + 4) };
      this.require(buffer.pointer, buffer.length);
      buffers.push(buffer);
    }
    return buffers;
  }
}

function decodeUtf8(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes);
  } catch {
    return fail("ilseq");
  }
}
