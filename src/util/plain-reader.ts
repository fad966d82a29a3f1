// Reads what plain-writer.ts has written. Bytes stay where they are; what is read of them are views.
import { toHex } from "./bytes.ts";
import { Bug } from "./fault.ts";
import { type NumberType, PLAIN, type Plain, PlainWriter } from "./plain-writer.ts";

/** Tags by which saved values are told apart, and their types. */
const TYPES: ReadonlyMap<number, NumberType> = new Map(
  (["i32", "i64", "f32", "f64", "v128"] as const).map((type) => [PLAIN[type], type]),
);

export class PlainReader {
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
    return this.#view.getFloat64(this.take(8), true);
  }

  flag(): boolean {
    return this.byte() === 1;
  }

  byte(): number {
    return this.#view.getUint8(this.take(1));
  }

  text(): string {
    const length = this.#length();
    const at = this.take(2 * length);
    let text = "";
    for (let i = 0; i < length; i++) text += String.fromCharCode(this.#view.getUint16(at + 2 * i, true));
    return text;
  }

  bytes(): Uint8Array {
    return this.view(this.number());
  }

  /** @param item reads one */
  list<T>(item: (from: this) => T): T[] {
    const items: T[] = [];
    for (let left = this.#length(); left > 0; left--) items.push(item(this));
    return items;
  }

  plain(): Plain {
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
        return this.bytes();
      case PLAIN.list:
        return this.#plains();
      case PLAIN.fields:
        return this.#fields();
      case PLAIN.signed:
        return this.#view.getBigInt64(this.take(8), true);
      case PLAIN.unsigned:
        return this.#view.getBigUint64(this.take(8), true);
      case PLAIN.digits:
        return BigInt(this.text());
      default:
        return this.#saved(tag);
    }
  }

  /** What saved frames consist of. */
  #saved(tag: number): Plain {
    const type = TYPES.get(tag);
    if (type) return this.#value(type);
    switch (tag) {
      case PLAIN.none:
        return { type: "null" };
      case PLAIN.func:
        return { type: "func", instance: this.#length(), index: this.#length() };
      case PLAIN.frame: {
        const place = { instance: this.#length(), function: this.#length(), position: this.#length() };
        return { kind: "wasm", ...place, values: this.#plains() };
      }
      default:
        throw new Bug(`plain data has the tag ${tag} at ${this.#at - 1}`);
    }
  }

  #value(type: NumberType): Plain {
    switch (type) {
      case "i32":
        return { type, value: this.#view.getInt32(this.take(4), true) };
      case "i64":
        return { type, value: this.#view.getBigInt64(this.take(8), true) };
      case "f32":
        return { type, bits: this.#view.getUint32(this.take(4), true) };
      case "f64":
        return { type, bits: this.#view.getBigUint64(this.take(8), true) };
      case "v128":
        return { type, hex: toHex(this.view(16)) };
    }
  }

  /** So many bytes that come next. */
  protected view(sizeBytes: number): Uint8Array {
    const at = this.take(sizeBytes);
    return this.#bytes.subarray(at, at + sizeBytes);
  }

  /** Passes over bytes up to a multiple of a power of two. */
  protected align(bytes: number): void {
    this.take(-this.#at & (bytes - 1));
  }

  protected take(sizeBytes: number): number {
    const at = this.#at;
    if (!(sizeBytes >= 0 && at + sizeBytes <= this.#bytes.length)) {
      throw new Bug(`plain data wants ${sizeBytes} bytes at ${at} of ${this.#bytes.length}`);
    }
    this.#at = at + sizeBytes;
    return at;
  }

  #plains(): Plain[] {
    return this.list((from) => from.plain());
  }

  #fields(): Plain {
    const entries: [string, Plain][] = [];
    while (this.byte() !== PLAIN.end) entries.push([this.text(), this.plain()]);
    return Object.fromEntries(entries); // a field called __proto__ is a field like any other
  }

  #length(): number {
    return this.#view.getUint32(this.take(4), true);
  }
}

const NOTHING = new Uint8Array(0);
/** For `plainOf`; lent to one call at a time. */
let scratch = NOTHING;
const SCRATCH_BYTES = 1 << 14;
/** A larger one is not kept. */
const SCRATCH_LIMIT_BYTES = 1 << 20;

/** The data that `write` writes: for those who want it as such. */
export function plainOf(write: (to: PlainWriter) => void): Plain {
  let room = scratch.length > 0 ? scratch : new Uint8Array(SCRATCH_BYTES);
  scratch = NOTHING; // `write` may want data as such itself
  try {
    for (;;) {
      const to = new PlainWriter(room);
      write(to);
      if (to.neededBytes <= room.length) return new PlainReader(room.slice(0, to.neededBytes)).plain();
      room = new Uint8Array(2 * to.neededBytes);
    }
  } finally {
    if (room.length <= SCRATCH_LIMIT_BYTES) scratch = room;
  }
}
