// The control memory: the words that rewritten code and its host share (layout: abi/constants.ts).

import { CONTROL, RECORD } from "../abi/index.ts";

export class Control {
  readonly memory: WebAssembly.Memory;
  #words: Int32Array<SharedArrayBuffer>;
  #view: DataView;

  constructor() {
    this.memory = new WebAssembly.Memory({
      initial: CONTROL.initialPages,
      maximum: CONTROL.maximumPages,
      shared: true,
    });
    const buffer = this.#buffer();
    this.#words = new Int32Array(buffer);
    this.#view = new DataView(buffer);
  }

  /** The first words, shareable with other threads: index with CONTROL's offsets divided by four. */
  get words(): Int32Array<SharedArrayBuffer> {
    return this.#words;
  }

  /** All bytes, records included; valid until the memory grows. */
  get view(): DataView {
    if (this.#view.byteLength !== this.memory.buffer.byteLength) this.#view = new DataView(this.memory.buffer);
    return this.#view;
  }

  get(offset: number): number {
    return this.#words[offset >> 2]!;
  }

  set(offset: number, value: number): void {
    this.#words[offset >> 2] = value;
  }

  /** Forgets all records. */
  reset(): void {
    this.set(CONTROL.top, CONTROL.frames);
    this.set(CONTROL.last, 0);
    this.set(CONTROL.refs, 0);
  }

  /** Makes room for `bytes` behind `address`. */
  reserve(address: number, bytes: number): void {
    const missing = address + bytes - this.memory.buffer.byteLength;
    if (missing > 0) this.memory.grow(Math.ceil(missing / 65536));
  }

  /** The addresses of all records, outermost first. */
  records(): number[] {
    const { view } = this;
    const addresses: number[] = [];
    for (let at = this.get(CONTROL.last); at !== 0; at = view.getInt32(at + RECORD.inner, true)) addresses.push(at);
    return addresses;
  }

  #buffer(): SharedArrayBuffer {
    return this.memory.buffer as unknown as SharedArrayBuffer;
  }
}
