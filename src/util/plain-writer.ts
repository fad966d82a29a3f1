// Plain data as bytes: what a checkpoint writes while programs stand still. plain-reader.ts makes the data of it again.
//
//   number    8 bytes   IEEE 754 double, little-endian, at any address
//   flag      1 byte    0 or 1; `choice` is 1 byte too
//   text      4 bytes   length in UTF-16 units, then 2 bytes each
//   bytes     a number  length in bytes, then these
//   list      4 bytes   number of items, then the items
//   plain     1 byte    one of PLAIN, then what it says; fields are a text and a plain value each, behind PLAIN.text
//
// Whoever has state of many parts writes it part by part (`fields`, `field`, `list`, ...), so that nothing is made of them;
// `plain` takes data that is there already. Both give the same bytes, but for what saved frames consist of (abi/state.ts):
// numbers of WebAssembly, references and frames have short forms of their own, which are read as the same data.
//
// I1  No backing store is made here, and nothing on the heap.
// I2  What has no room any more is counted and not written: then `neededBytes` is above the room, and nothing of it counts.
import { assert } from "./fault.ts";

/** Data that JSON can carry, and bigint and bytes: PlainData of abi/, SessionState of session/. */
export type Plain =
  | null
  | boolean
  | number
  | string
  | bigint
  | Uint8Array
  | readonly Plain[]
  | { readonly [key: string]: Plain | undefined };

/** Tags of plain values. */
export const PLAIN = {
  ...{ null: 0, false: 1, true: 2, number: 3, text: 4, bytes: 5, list: 6, fields: 7 },
  /** 64 bits, signed and unsigned; anything longer as decimal text. */
  ...{ signed: 8, unsigned: 9, digits: 10 },
  /** A field that is none: behind the last one. */
  end: 11,
  /** Saved values: as many bits as the type has. */
  ...{ i32: 12, i64: 13, f32: 14, f64: 15, v128: 16 },
  /** Saved references: null; a function, by instance and index of 32 bits. */
  ...{ none: 17, func: 18 },
  /** A saved frame: instance, function and position of 32 bits; then a list of plain values. */
  frame: 19,
} as const;

/** Bytes of a value of each type, in memory. */
export const VALUE_BYTES = { i32: 4, i64: 8, f32: 4, f64: 8, v128: 16 } as const;
export type NumberType = keyof typeof VALUE_BYTES;

/** Names of fields as they are written; only those that are given to `field`, which the code names. */
const NAMES = new Map<string, Uint8Array>();
/** From here on a copy by the engine is worth the view that it needs. */
const MANY_BYTES = 4096;
/** The same where bytes stand in whole words, whose copy is as fast as memory. */
const MANY_WORDS_BYTES = 1 << 20;

export class PlainWriter {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  /** @param bytes the room, from a multiple of 8 on */
  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** Bytes of all that was to be written, whether there was room or not. */
  get neededBytes(): number {
    return this.#at;
  }

  number(value: number): void {
    const at = this.take(8);
    if (at >= 0) this.#view.setFloat64(at, value, true);
  }

  flag(value: boolean): void {
    this.choice(value ? 1 : 0);
  }

  /** One of at most 256. */
  choice(value: number): void {
    const at = this.take(1);
    if (at >= 0) this.#bytes[at] = value;
  }

  text(value: string): void {
    this.#length(value.length);
    const at = this.take(2 * value.length);
    if (at < 0) return;
    for (let i = 0; i < value.length; i++) this.#view.setUint16(at + 2 * i, value.charCodeAt(i), true);
  }

  bytes(content: Uint8Array): void {
    this.number(content.length);
    this.#set(content);
  }

  /** Begins a list. @returns what `endList` is given */
  beginList(): number {
    const at = this.#at;
    this.#length(0);
    return at;
  }

  /** @param count items that were written since `beginList` */
  endList(begin: number, count: number): void {
    if (begin + 4 <= this.#bytes.length) this.#view.setUint32(begin, count, true);
  }

  // Plain values.

  plain(value: Plain): void {
    if (value === null) return this.choice(PLAIN.null);
    switch (typeof value) {
      case "boolean":
        return this.choice(value ? PLAIN.true : PLAIN.false);
      case "number":
        this.choice(PLAIN.number);
        return this.number(value);
      case "string":
        this.choice(PLAIN.text);
        return this.text(value);
      case "bigint":
        return this.#integer(value);
      default:
        return this.#composed(value);
    }
  }

  /** Begins a plain list. @returns what `endList` is given */
  list(): number {
    this.choice(PLAIN.list);
    return this.beginList();
  }

  /** Begins plain fields: `field`, or `put`, for each; then `end`. */
  fields(): void {
    this.choice(PLAIN.fields);
  }

  /** Begins a field: its plain value comes next. @param name one of the program text's: it is kept */
  field(name: string): void {
    let bytes = NAMES.get(name);
    if (!bytes) NAMES.set(name, (bytes = fieldName(name)));
    this.#set(bytes);
  }

  /** A whole field. */
  put(name: string, value: Plain): void {
    this.field(name);
    this.plain(value);
  }

  /** A whole field of an object whose fields are plain. @param value undefined: there is no field */
  putObject(name: string, value: object | undefined): void {
    if (value !== undefined) this.put(name, value as Plain);
  }

  /** The fields of an object, between `fields` and `end`. */
  fieldsOf(value: { readonly [key: string]: Plain | undefined }): void {
    for (const key in value) {
      const field = value[key];
      if (field === undefined || !Object.hasOwn(value, key)) continue;
      this.choice(PLAIN.text);
      this.text(key);
      this.plain(field);
    }
  }

  /** Ends plain fields. */
  end(): void {
    this.choice(PLAIN.end);
  }

  /** A saved value, from `at` of a memory. */
  value(type: NumberType, memory: DataView, at: number): void {
    this.choice(PLAIN[type]);
    this.copy(memory, at, VALUE_BYTES[type]);
  }

  /** A saved i32. */
  i32(value: number): void {
    this.choice(PLAIN.i32);
    this.#word(value);
  }

  /** A saved null reference. */
  none(): void {
    this.choice(PLAIN.none);
  }

  /** A saved reference to a function. */
  func(instance: number, index: number): void {
    this.choice(PLAIN.func);
    this.#word(instance);
    this.#word(index);
  }

  /** A saved frame; its values come next, as items of a list that `endList` ends. @returns what that is given */
  frame(instance: number, index: number, position: number): number {
    this.choice(PLAIN.frame);
    this.#word(instance);
    this.#word(index);
    this.#word(position);
    return this.beginList();
  }

  /** Bytes as they are: what another writer has written, or a number of a memory. A multiple of 4 is fastest. */
  copy(from: DataView, at: number, sizeBytes: number): void {
    if (sizeBytes >= MANY_BYTES) return this.#set(new Uint8Array(from.buffer, from.byteOffset + at, sizeBytes));
    const to = this.take(sizeBytes);
    if (to < 0) return;
    let i = 0;
    for (; i + 4 <= sizeBytes; i += 4) this.#view.setInt32(to + i, from.getInt32(at + i));
    for (; i < sizeBytes; i++) this.#view.setUint8(to + i, from.getUint8(at + i));
  }

  /** Plain bytes, from `at` of a memory on; `at` and `sizeBytes` are multiples of 4. */
  plainWords(words: Int32Array, at: number, sizeBytes: number): void {
    this.choice(PLAIN.bytes);
    this.number(sizeBytes);
    if (sizeBytes >= MANY_WORDS_BYTES) return this.#set(new Uint8Array(words.buffer, words.byteOffset + at, sizeBytes));
    const to = this.take(sizeBytes);
    if (to < 0) return;
    for (let i = 0; i < sizeBytes; i += 4) this.#view.setInt32(to + i, words[(at + i) / 4]!, true);
  }

  /** Forgets what was written since there were so many `neededBytes`. */
  dropSince(neededBytes: number): void {
    this.#at = neededBytes;
  }

  /** Where the next bytes go; -1 if there is no room for them. */
  protected take(sizeBytes: number): number {
    const at = this.#at;
    // A small integer is held as one, also if it comes as a double: else every position would be put into a box.
    const small = sizeBytes | 0;
    this.#at = at + (small === sizeBytes ? small : sizeBytes);
    return this.#at <= this.#bytes.length ? at : -1;
  }

  /** Zeros up to a multiple of a power of two. */
  protected align(bytes: number): void {
    const at = this.take(-this.#at & (bytes - 1));
    if (at >= 0) this.#bytes.fill(0, at, this.#at);
  }

  #composed(value: Exclude<Plain, null | boolean | number | string | bigint>): void {
    if (value instanceof Uint8Array) {
      this.choice(PLAIN.bytes);
      this.bytes(value);
    } else if (Array.isArray(value)) {
      const items = value as readonly Plain[];
      const begin = this.list();
      for (let i = 0; i < items.length; i++) this.plain(items[i] as Plain);
      this.endList(begin, items.length);
    } else {
      this.fields();
      this.fieldsOf(value as { readonly [key: string]: Plain | undefined });
      this.end();
    }
  }

  #integer(value: bigint): void {
    const signed = BigInt.asIntN(64, value) === value;
    if (!signed && BigInt.asUintN(64, value) !== value) {
      this.choice(PLAIN.digits);
      return this.text(String(value));
    }
    this.choice(signed ? PLAIN.signed : PLAIN.unsigned);
    const at = this.take(8);
    if (at >= 0) this.#view.setBigUint64(at, BigInt.asUintN(64, value), true);
  }

  #set(content: Uint8Array): void {
    const at = this.take(content.length);
    if (at >= 0) this.#bytes.set(content, at);
  }

  #word(value: number): void {
    const at = this.take(4);
    if (at >= 0) this.#view.setInt32(at, value, true);
  }

  #length(value: number): void {
    assert(value < 2 ** 32, "a length is 32 bits");
    this.#word(value);
  }
}

function fieldName(name: string): Uint8Array {
  const bytes = new Uint8Array(1 + 4 + 2 * name.length);
  const to = new PlainWriter(bytes);
  to.choice(PLAIN.text);
  to.text(name);
  return bytes;
}
