// Reads captured state back: every field checked, one fault for whatever does not fit.

import type { PlainData } from "../abi/index.ts";
import { WasiStateFault } from "./fault.ts";

/** A field of captured state and where it was found, for messages. */
export class StateReader {
  readonly #value: PlainData | undefined;
  readonly #path: string;

  constructor(value: PlainData | undefined, path: string) {
    this.#value = value;
    this.#path = path;
  }

  field(name: string): StateReader {
    const value = this.#value;
    if (typeof value !== "object" || value === null || Array.isArray(value) || value instanceof Uint8Array) {
      return this.malformed("a record");
    }
    return new StateReader((value as { readonly [key: string]: PlainData | undefined })[name], `${this.#path}.${name}`);
  }

  get absent(): boolean {
    return this.#value === undefined;
  }

  items(): readonly StateReader[] {
    if (!Array.isArray(this.#value)) return this.malformed("a list");
    return this.#value.map((item: PlainData, index) => new StateReader(item, `${this.#path}[${index}]`));
  }

  text(): string {
    return typeof this.#value === "string" ? this.#value : this.malformed("a text");
  }

  /** A number from 0 to 2^53 - 1. */
  count(): number {
    const value = this.#value;
    return typeof value === "number" && Number.isSafeInteger(value) && value >= 0 ? value : this.malformed("a count");
  }

  /** A bigint from 0 to 2^64 - 1. */
  big(): bigint {
    const value = this.#value;
    return typeof value === "bigint" && value >= 0n && value < 1n << 64n ? value : this.malformed("a 64-bit number");
  }

  flag(): boolean {
    return typeof this.#value === "boolean" ? this.#value : this.malformed("true or false");
  }

  oneOf<const T extends string>(names: readonly T[]): T {
    const found = names.find((name) => name === this.#value);
    return found ?? this.malformed(`one of ${names.join(", ")}`);
  }

  /** The field as it is, for the service that wrote it. */
  raw(): PlainData {
    return this.#value ?? null;
  }

  malformed(expected: string): never {
    const found = Array.isArray(this.#value) ? "a list" : typeof this.#value;
    throw new WasiStateFault("malformed", `captured state: ${this.#path} is ${found}, expected ${expected}`, {
      field: this.#path,
    });
  }
}
