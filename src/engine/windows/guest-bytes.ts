// A component's bytes as its own loads and stores reach them, for host functions: memory 0 below the limit, the pool
// behind the page table above it. Without windows this is memory 0 and costs what a view of it costs.

import type { ByteFault } from "../../abi/index.ts";
import { joinBytes } from "../../util/index.ts";
import type { WriteNotes } from "../marks.ts";
import type { Windows } from "./windows.ts";

const SPACE = 2 ** 32;

export class GuestBytes {
  readonly #memory: WebAssembly.Memory | undefined;
  readonly #windows: Windows | undefined;
  readonly #notes: WriteNotes | undefined;

  /** @param notes are told of what is to be written */
  constructor(memory: WebAssembly.Memory | undefined, windows?: Windows, notes?: WriteNotes) {
    this.#memory = memory;
    this.#windows = windows;
    this.#notes = notes;
  }

  /**
   * The bytes of a range where they lie, in order: views of memory 0 and of the pool, valid until the guest runs or a
   * mapping changes. Writing to them is allowed, at once, if `write` was asked for: they are marked as written.
   */
  pieces(address: number, length: number, write: boolean): readonly Uint8Array[] | ByteFault {
    const type = write ? "write" : "read";
    if (address + length > SPACE) return { kind: "bounds", type, address };
    const pieces: Uint8Array[] = [];
    const end = address + length;
    for (let at = address; at < end; ) {
      const translated = this.#windows?.translate(at, write);
      if (translated && "kind" in translated) return translated;
      if (translated) {
        const bytes = Math.min(end - at, translated.bytes);
        pieces.push(this.#windows!.pool.bytes(translated.poolAddress, bytes));
        at += bytes;
        continue;
      }
      const upTo = this.#windows ? Math.min(end, this.#windows.limit) : end;
      const memory = this.#memory;
      if (!memory || upTo > memory.buffer.byteLength) return { kind: "bounds", type, address: at };
      pieces.push(new Uint8Array(memory.buffer, at, upTo - at));
      at = upTo;
    }
    if (write) this.#notes?.wrote(address, length);
    return pieces;
  }

  /** A copy of a range. */
  read(address: number, length: number): Uint8Array<ArrayBuffer> | ByteFault {
    const pieces = this.pieces(address, length, false);
    return "kind" in pieces ? pieces : joinBytes(pieces);
  }

  /**
   * Writes a range.
   *
   * @returns the fault if any byte of it cannot be written; then none is
   */
  write(address: number, bytes: Uint8Array): ByteFault | undefined {
    const pieces = this.pieces(address, bytes.length, true);
    if ("kind" in pieces) return pieces;
    let at = 0;
    for (const piece of pieces) {
      piece.set(bytes.subarray(at, at + piece.length));
      at += piece.length;
    }
    return undefined;
  }
}
