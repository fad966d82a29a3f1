// Reads what record-writer.ts has written, after the children go on: bytes become checkpoint information. Contents stay
// where they are; what is read of them are views.
import type { RecordedBytes } from "../checkpoint/index.ts";
import { PlainReader, required } from "../util/index.ts";
import { ALIGNMENT } from "./record-writer.ts";

/** Reads one value. */
export type Read<T> = (from: RecordReader) => T;

export class RecordReader extends PlainReader {
  readonly #kept: readonly RecordedBytes[];

  /** @param kept contents that are kept elsewhere */
  constructor(bytes: Uint8Array, kept: readonly RecordedBytes[] = []) {
    super(bytes);
    this.#kept = kept;
  }

  /** One of these, by its place among them. */
  choice<const T>(of: readonly T[]): T {
    return of[this.byte()] as T;
  }

  /** Of a dataspace that the child has allocated, or began with. */
  content(): RecordedBytes {
    const size = this.number();
    return size < 0 ? required(this.#kept[-1 - size], "a content that is kept") : this.#viewOf(size);
  }

  /** Of one that a service has made. */
  shown(): Uint8Array {
    return this.#viewOf(this.number());
  }

  #viewOf(size: number): Uint8Array {
    this.align(ALIGNMENT);
    return this.view(size);
  }
}

export const number: Read<number> = (from) => from.number();
export const text: Read<string> = (from) => from.text();
