// Records as bytes: what a checkpoint writes into a lease while the children stand still (design.md section 7). What is
// written here in some order, record-reader.ts reads in the same one; which records there are: records.ts.
//
//   number    8 bytes   IEEE 754 double, little-endian, at any address
//   flag      1 byte    0 or 1; `choice` is 1 byte too
//   text      4 bytes   length in UTF-16 units, then 2 bytes each
//   list      4 bytes   number of items, then the items
//   content   a number  length in bytes; zeros up to a multiple of 8; then the bytes
//   plain     1 byte    one of PLAIN, then what it says; properties are a text and a plain value
//
// I1  No backing store is made here, and nothing on the heap but what `plain` is given already is.
// I2  What has no room any more is counted and not written: then `neededBytes` is above the room, and nothing of it counts.
import type { ObjectInfo } from "../checkpoint/index.ts";
import type { Cached, Capability, Dataspace, Location, SessionState } from "../session/index.ts";
import { assert } from "../util/index.ts";
import type { Copier } from "./copier.ts";

/** Tags of plain values. */
export const PLAIN = {
  ...{ null: 0, false: 1, true: 2, number: 3, text: 4, bytes: 5, list: 6, fields: 7 },
  /** 64 bits, signed and unsigned; anything longer as decimal text. */
  ...{ signed: 8, unsigned: 9, digits: 10 },
  /** A field that is none: behind the last one. */
  end: 11,
} as const;

/** Contents begin at multiples of this. */
const ALIGNMENT = 8;

export class RecordWriter {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #copier: Copier;
  #at = 0;

  /** @param bytes the room, from a multiple of 8 on */
  constructor(bytes: Uint8Array, copier: Copier) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#copier = copier;
  }

  /** Bytes of all that was to be written, whether there was room or not. */
  get neededBytes(): number {
    return this.#at;
  }

  number(value: number): void {
    const at = this.#take(8);
    if (at >= 0) this.#view.setFloat64(at, value, true);
  }

  flag(value: boolean): void {
    this.choice(value ? 1 : 0);
  }

  /** One of at most 256. */
  choice(value: number): void {
    const at = this.#take(1);
    if (at >= 0) this.#bytes[at] = value;
  }

  text(value: string): void {
    this.#length(value.length);
    const at = this.#take(2 * value.length);
    if (at < 0) return;
    for (let i = 0; i < value.length; i++) this.#view.setUint16(at + 2 * i, value.charCodeAt(i), true);
  }

  /** What every recorded object has. */
  object({ badge, allocated, bootstrapped }: ObjectInfo): void {
    this.number(badge);
    this.number(allocated);
    this.flag(bootstrapped);
  }

  /** The badge of a capability; 0 if it denotes nothing: another object may have got the number since. */
  badge(capability: Capability): void {
    this.number(capability.valid ? capability.badge : 0);
  }

  place({ x, y, width, height }: Location): void {
    this.number(x);
    this.number(y);
    this.number(width);
    this.number(height);
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

  /** All bytes of a dataspace, by way of the copier; they may arrive later than this returns, before it is joined. */
  content(dataspace: Dataspace | undefined, cached?: Cached): void {
    const size = dataspace?.size() ?? 0;
    const at = this.#room(size);
    if (at >= 0 && dataspace) this.#copier.copy(dataspace, cached, at, size);
  }

  bytes(content: Uint8Array): void {
    const at = this.#room(content.length);
    if (at >= 0) this.#bytes.set(content, at);
  }

  /** State as services give it. */
  plain(value: SessionState): void {
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

  #composed(value: Exclude<SessionState, null | boolean | number | string | bigint>): void {
    if (value instanceof Uint8Array) {
      this.choice(PLAIN.bytes);
      this.bytes(value);
    } else if (Array.isArray(value)) {
      const items = value as readonly SessionState[];
      this.choice(PLAIN.list);
      this.#length(items.length);
      for (let i = 0; i < items.length; i++) this.plain(items[i] as SessionState);
    } else this.#fields(value as { readonly [key: string]: SessionState | undefined });
  }

  #fields(value: { readonly [key: string]: SessionState | undefined }): void {
    this.choice(PLAIN.fields);
    for (const key in value) {
      const field = value[key];
      if (field === undefined || !Object.hasOwn(value, key)) continue;
      this.choice(PLAIN.text);
      this.text(key);
      this.plain(field);
    }
    this.choice(PLAIN.end);
  }

  #integer(value: bigint): void {
    const signed = BigInt.asIntN(64, value) === value;
    if (!signed && BigInt.asUintN(64, value) !== value) {
      this.choice(PLAIN.digits);
      return this.text(String(value));
    }
    this.choice(signed ? PLAIN.signed : PLAIN.unsigned);
    const at = this.#take(8);
    if (at >= 0) this.#view.setBigUint64(at, BigInt.asUintN(64, value), true);
  }

  #length(value: number): void {
    assert(value < 2 ** 32, "a length is 32 bits");
    const at = this.#take(4);
    if (at >= 0) this.#view.setUint32(at, value, true);
  }

  /** The length of a content, and where its bytes go; -1: nowhere. */
  #room(sizeBytes: number): number {
    this.number(sizeBytes);
    const padding = this.#take(-this.#at & (ALIGNMENT - 1));
    if (padding >= 0) this.#bytes.fill(0, padding, this.#at);
    return this.#take(sizeBytes);
  }

  /** Where the next bytes go; -1 if there is no room for them. */
  #take(sizeBytes: number): number {
    const at = this.#at;
    this.#at = at + sizeBytes;
    return this.#at <= this.#bytes.length ? at : -1;
  }
}
