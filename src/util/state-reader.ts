// Reads captured state back, which may come from strangers: every field checked, one fault for whatever does not fit.
import type { Fault } from "./fault.ts";

/** Makes the layer's own fault: `message` names the field at `path`. */
export type RefuseState = (message: string, path: string) => Fault;

/** A field of captured state and where it was found. Every method throws the layer's fault for another kind of data. */
export class StateReader {
  readonly path: string;
  readonly #value: unknown;
  readonly #refuse: RefuseState;

  constructor(value: unknown, path: string, refuse: RefuseState) {
    this.#value = value;
    this.path = path;
    this.#refuse = refuse;
  }

  field(name: string): StateReader {
    const record = this.#record();
    return this.#inner(Object.hasOwn(record, name) ? record[name] : undefined, `${this.path}.${name}`);
  }

  /** As it is, if it has these fields at most: a later build's has more, and is not guessed at. */
  only(...names: readonly string[]): this {
    const record = this.#record();
    const unknown = Object.keys(record).find((name) => !names.includes(name) && record[name] !== undefined);
    if (unknown !== undefined) this.field(unknown).malformed("no such field in this version");
    return this;
  }

  get absent(): boolean {
    return this.#value === undefined;
  }

  items(): readonly StateReader[] {
    if (!Array.isArray(this.#value)) return this.malformed("a list");
    return Array.from(this.#value, (item: unknown, index) => this.#inner(item, `${this.path}[${index}]`));
  }

  text(): string {
    return typeof this.#value === "string" ? this.#value : this.malformed("a text");
  }

  bytes(): Uint8Array {
    return this.#value instanceof Uint8Array ? this.#value : this.malformed("bytes");
  }

  /** A whole number from 0 to below `bound`. */
  count(bound = 2 ** 53): number {
    const value = this.#value;
    if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0 && value < bound) return value;
    return this.malformed(bound === 2 ** 53 ? "a count" : `a count below ${bound}`);
  }

  /** A bigint from `least` to 2^64 - 1. */
  big(least = 0n): bigint {
    const value = this.#value;
    return typeof value === "bigint" && value >= least && value < 1n << 64n ? value : this.malformed("a 64-bit number");
  }

  flag(): boolean {
    return typeof this.#value === "boolean" ? this.#value : this.malformed("true or false");
  }

  oneOf<const T extends string>(names: readonly T[]): T {
    const found = names.find((name) => name === this.#value);
    return found ?? this.malformed(`one of ${names.join(", ")}`);
  }

  /** The field as it is, for whoever wrote it. */
  raw(): unknown {
    return this.#value ?? null;
  }

  malformed(expected: string): never {
    throw this.#refuse(`captured state: ${this.path} is ${this.#found()}, expected ${expected}`, this.path);
  }

  #inner(value: unknown, path: string): StateReader {
    return new StateReader(value, path, this.#refuse);
  }

  #record(): Readonly<Record<string, unknown>> {
    const value = this.#value;
    const plain =
      typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array);
    return plain ? (value as Readonly<Record<string, unknown>>) : this.malformed("a record");
  }

  #found(): string {
    const value = this.#value;
    if (value === undefined) return "absent";
    if (value === null) return "null";
    if (Array.isArray(value)) return `a list of ${value.length}`;
    return value instanceof Uint8Array ? "bytes" : typeof value;
  }
}
