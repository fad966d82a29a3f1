// Reads what record-writer.ts has written, after the children go on: bytes become checkpoint information. Contents stay
// where they are; what is read of them are views.
import type { SessionState } from "../session/index.ts";
import { Bug } from "../util/index.ts";
import { PLAIN } from "./record-writer.ts";

/** Reads one value. */
export type Read<T> = (from: RecordReader) => T;

export class RecordReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  /** @param bytes those that were written, and no more */
  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get done(): boolean {
    return this.#at === this.#bytes.length;
  }

  number(): number {
    return this.#view.getFloat64(this.#take(8), true);
  }

  flag(): boolean {
    return this.byte() === 1;
  }

  byte(): number {
    return this.#view.getUint8(this.#take(1));
  }

  /** One of these, by its place among them. */
  choice<const T>(of: readonly T[]): T {
    return of[this.byte()] as T;
  }

  text(): string {
    const length = this.#length();
    const at = this.#take(2 * length);
    let text = "";
    for (let i = 0; i < length; i++) text += String.fromCharCode(this.#view.getUint16(at + 2 * i, true));
    return text;
  }

  list<T>(item: Read<T>): T[] {
    const items: T[] = [];
    for (let left = this.#length(); left > 0; left--) items.push(item(this));
    return items;
  }

  content(): Uint8Array {
    const size = this.number();
    this.#take(-this.#at & 7);
    const at = this.#take(size);
    return this.#bytes.subarray(at, at + size);
  }

  plain(): SessionState {
    const tag = this.byte();
    switch (tag) {
      case PLAIN.null:
        return null;
      case PLAIN.false:
      case PLAIN.true:
        return tag === PLAIN.true;
      case PLAIN.number:
        return this.number();
      case PLAIN.text:
        return this.text();
      case PLAIN.bytes:
        return this.content();
      case PLAIN.list:
        return this.list(plain);
      case PLAIN.fields:
        return this.#fields();
      case PLAIN.signed:
        return this.#view.getBigInt64(this.#take(8), true);
      case PLAIN.unsigned:
        return this.#view.getBigUint64(this.#take(8), true);
      case PLAIN.digits:
        return BigInt(this.text());
      default:
        throw new Bug(`a record of a checkpoint has the tag ${tag} at ${this.#at - 1}`);
    }
  }

  #fields(): SessionState {
    const entries: [string, SessionState][] = [];
    while (this.byte() !== PLAIN.end) entries.push([this.text(), this.plain()]);
    return Object.fromEntries(entries); // a field called __proto__ is a field like any other
  }

  #length(): number {
    return this.#view.getUint32(this.#take(4), true);
  }

  #take(sizeBytes: number): number {
    const at = this.#at;
    if (!(sizeBytes >= 0 && at + sizeBytes <= this.#bytes.length)) {
      throw new Bug(`a record of a checkpoint wants ${sizeBytes} bytes at ${at} of ${this.#bytes.length}`);
    }
    this.#at = at + sizeBytes;
    return at;
  }
}

export const number: Read<number> = (from) => from.number();
export const text: Read<string> = (from) => from.text();
const plain: Read<SessionState> = (from) => from.plain();
