// The caller's linear memory with bounds: every access beyond it is errno "fault", never an exception of JavaScript.
// Pointers are u32, everything is little-endian. The bytes may lie in shared memory, so nothing is decoded in place.

import type { GuestRanges, HostCall } from "../abi/index.ts";
import { joinBytes } from "../util/index.ts";
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

  /**
   * The bytes, to be read: a view, valid until the call waits or the memory grows, or a copy where windows scatter them.
   */
  bytes(pointer: number, length: number): Uint8Array {
    const { guest } = this.#call;
    if (guest) {
      const pieces = this.#pieces(guest, pointer, length, false);
      return pieces.length === 1 ? pieces[0]! : joinBytes(pieces);
    }
    const memory = this.#call.memory;
    if (pointer + length > memory.length) fail("fault");
    return memory.subarray(pointer, pointer + length);
  }

  /** The first of the bytes, to be read or written, as a view: all of them, unless windows scatter them. */
  run(pointer: number, length: number, write: boolean): Uint8Array {
    const { guest } = this.#call;
    if (!guest) return this.bytes(pointer, length);
    return this.#pieces(guest, pointer, length, write)[0] ?? new Uint8Array(0);
  }

  #pieces(guest: GuestRanges, pointer: number, length: number, write: boolean): readonly Uint8Array[] {
    const pieces = guest.pieces(pointer, length, write);
    return "kind" in pieces ? fail("fault") : pieces;
  }

  /** Ends the call unless the range lies in the memory: asked before an effect whose result is written there. */
  require(pointer: number, length: number, write = true): void {
    const { guest } = this.#call;
    if (guest) {
      if (!guest.reach(pointer, length, write)) fail("fault");
      return;
    }
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
    this.set(pointer, [value]);
  }

  setU16(pointer: number, value: number): void {
    this.set(pointer, [value, value >>> 8]);
  }

  setU32(pointer: number, value: number): void {
    this.set(pointer, [value, value >>> 8, value >>> 16, value >>> 24]);
  }

  /** Writes the low 64 bits. */
  setU64(pointer: number, value: bigint): void {
    this.require(pointer, 8);
    this.setU32(pointer, Number(value & 0xffff_ffffn));
    this.setU32(pointer + 4, Number((value >> 32n) & 0xffff_ffffn));
  }

  set(pointer: number, bytes: ArrayLike<number>): void {
    const { guest } = this.#call;
    if (!guest) {
      this.bytes(pointer, bytes.length).set(bytes);
      return;
    }
    let at = 0;
    for (const piece of this.#pieces(guest, pointer, bytes.length, true)) {
      for (let i = 0; i < piece.length; i++) piece[i] = bytes[at + i]!;
      at += piece.length;
    }
  }

  zero(pointer: number, length: number): void {
    this.set(pointer, new Uint8Array(length));
  }

  /** A path or a link's target: UTF-8 ("ilseq" otherwise) without NUL ("inval"), of bounded length ("nametoolong"). */
  path(pointer: number, length: number): string {
    this.require(pointer, length, false);
    if (length > PATH_LIMIT_BYTES) fail("nametoolong");
    const text = decodeUtf8(this.bytes(pointer, length).slice());
    return text.includes("\0") ? fail("inval") : text;
  }

  /** The buffers that a vector of (pointer, length) pairs describes; all of them lie in the memory. */
  buffers(pointer: number, count: number): readonly GuestBuffer[] {
    if (count > BUFFER_LIMIT) fail("inval");
    this.require(pointer, count * 8, false);
    const buffers: GuestBuffer[] = [];
    for (let at = pointer; at < pointer + count * 8; at += 8) {
      const buffer = { pointer: this.u32(at), length: this.u32(at + 4) };
      this.require(buffer.pointer, buffer.length, false);
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
