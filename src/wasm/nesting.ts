// Matches the blocks of one body, as its instructions are decoded one after the other.

import type { ByteReader } from "../util/index.ts";
import type { Body } from "./body.ts";
import { OP, opcodeName } from "./opcode.ts";

export class Nesting {
  /** The instructions that have opened the blocks that are open, the outermost first; behind `#depth` nothing counts. */
  #open = new Int32Array(64);
  /** Of the blocks within the function's own; -1 behind its end. */
  #depth = 0;

  /** Begins another body. */
  begin(): void {
    this.#depth = 0;
  }

  /** Whether the function's own `end` has come. */
  get over(): boolean {
    return this.#depth < 0;
  }

  /**
   * Enters one instruction into `match` and `next`, if it opens, divides or closes a block.
   *
   * @throws BytesFault if no block of the kind is open
   */
  add(body: Body, index: number, reader: ByteReader): void {
    switch (body.op[index]) {
      case OP.block:
      case OP.loop:
      case OP.if:
      case OP.try:
      case OP.tryTable:
        if (this.#depth === this.#open.length) this.#open = grown(this.#open);
        this.#open[this.#depth++] = index;
        body.next[index] = -1;
        return;
      case OP.else:
      case OP.catch:
      case OP.catchAll:
        return this.#divide(body, index, reader);
      case OP.delegate:
      case OP.end:
        return this.#close(body, index, reader);
    }
  }

  #divide(body: Body, index: number, reader: ByteReader): void {
    const { op, match, next } = body;
    const code = op[index]!;
    const opener = this.#depth > 0 ? this.#open[this.#depth - 1]! : -1;
    const wanted = code === OP.else ? OP.if : OP.try;
    const last = opener < 0 ? -1 : lastClause(next, opener);
    const closed = last >= 0 && (op[last] === OP.catchAll || op[last] === OP.else);
    if (opener < 0 || op[opener] !== wanted || closed) {
      throw reader.malformed(`an open ${opcodeName(wanted)} for ${opcodeName(code)}`, body.offset + body.start[index]!);
    }
    next[last] = index;
    match[index] = opener;
    next[index] = -1;
  }

  #close(body: Body, index: number, reader: ByteReader): void {
    const { op, match, next } = body;
    const delegate = op[index] === OP.delegate;
    if (this.#depth === 0 && !delegate) {
      match[index] = -1;
      this.#depth = -1;
      return;
    }
    if (this.#depth === 0) throw reader.malformed("an open try for delegate", body.offset + body.start[index]!);
    const opener = this.#open[this.#depth - 1]!;
    if (delegate && (op[opener] !== OP.try || next[opener] !== -1)) {
      throw reader.malformed("an open try without catch for delegate", body.offset + body.start[index]!);
    }
    next[lastClause(next, opener)] = index;
    match[opener] = index;
    match[index] = opener;
    this.#depth--;
  }
}

function lastClause(next: Int32Array, opener: number): number {
  let last = opener;
  while (next[last]! > 0) last = next[last]!;
  return last;
}

function grown(array: Int32Array<ArrayBuffer>): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(array.length * 2);
  larger.set(array);
  return larger;
}
