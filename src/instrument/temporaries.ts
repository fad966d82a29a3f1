// The temporaries of one function: locals behind the original's, one for each slot of the operand stack and type.

import { asNullable, isRef, type ValueType } from "../wasm/index.ts";

export class Temporaries {
  /** In order; references are nullable. */
  readonly types: ValueType[] = [];
  /** Index of the first: the number of the original's locals. */
  readonly first: number;
  readonly #numbers = new Map<number, number>();

  constructor(first: number) {
    this.first = first;
  }

  /** The local for values of a type in a slot, added if it is new. */
  number(slot: number, type: ValueType): number {
    const stored = asNullable(type);
    // Small keys for numbers, the others below zero.
    const key = isRef(stored) ? -(slot * 2 ** 30 + stored) : slot * 0x80 + stored;
    let number = this.#numbers.get(key);
    if (number === undefined) {
      number = this.first + this.types.push(stored) - 1;
      this.#numbers.set(key, number);
    }
    return number;
  }
}
