// Reads what record-writer.ts has written, after the children go on: bytes become checkpoint information. Contents stay
// where they are; what is read of them are views.
import { PlainReader } from "../util/index.ts";
import { ALIGNMENT } from "./record-writer.ts";

/** Reads one value. */
export type Read<T> = (from: RecordReader) => T;

export class RecordReader extends PlainReader {
  /** One of these, by its place among them. */
  choice<const T>(of: readonly T[]): T {
    return of[this.byte()] as T;
  }

  content(): Uint8Array {
    const size = this.number();
    this.align(ALIGNMENT);
    return this.view(size);
  }
}

export const number: Read<number> = (from) => from.number();
export const text: Read<string> = (from) => from.text();
