// Messages of File_system and Terminal sessions that guests serve: arguments one after another, each at a multiple of 4.
// What a server answers is its own: beyond the end of a reply there are zeros, and `failed` says so.

const ENCODER = new TextEncoder();
const DECODER = new TextDecoder();

export class MessageWriter {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;
  #full = false;

  /** @param limit bytes of a message */
  constructor(limit: number) {
    this.#bytes = new Uint8Array(limit);
    this.#view = new DataView(this.#bytes.buffer);
  }

  u32(value: number): this {
    const at = this.#take(4);
    if (at !== undefined) this.#view.setUint32(at, value, true);
    return this;
  }

  u64(value: bigint): this {
    const at = this.#take(8);
    if (at !== undefined) this.#view.setBigUint64(at, BigInt.asUintN(64, value), true);
    return this;
  }

  bytes(value: Uint8Array): this {
    this.u32(value.length);
    const at = this.#take(value.length);
    if (at !== undefined) this.#bytes.set(value, at);
    return this;
  }

  text(value: string): this {
    return this.bytes(ENCODER.encode(value));
  }

  /** The message; undefined if it is too long. */
  end(): Uint8Array | undefined {
    return this.#full ? undefined : this.#bytes.subarray(0, this.#at);
  }

  #take(length: number): number | undefined {
    const at = this.#at;
    this.#full ||= at + length > this.#bytes.length;
    if (this.#full) return undefined;
    this.#at = Math.min((at + length + 3) & ~3, this.#bytes.length);
    return at;
  }
}

export class MessageReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;
  failed = false;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  u32(): number {
    const at = this.#take(4);
    return at === undefined ? 0 : this.#view.getUint32(at, true);
  }

  u64(): bigint {
    const at = this.#take(8);
    return at === undefined ? 0n : this.#view.getBigUint64(at, true);
  }

  bytes(): Uint8Array {
    const length = this.u32();
    const at = this.#take(length);
    return at === undefined ? new Uint8Array(0) : this.#bytes.subarray(at, at + length);
  }

  text(): string {
    return DECODER.decode(this.bytes());
  }

  #take(length: number): number | undefined {
    const at = this.#at;
    this.failed ||= length > this.#bytes.length - at;
    if (this.failed) return undefined;
    this.#at = Math.min((at + length + 3) & ~3, this.#bytes.length);
    return at;
  }
}
