// Memory 0 of a component's program, as the kernel reads and writes it: in place, or behind windows.
//
// Whatever writes to a component's memory at its own addresses marks that (memory/written.ts, I1), all by one of
//   bytes.pieces, bytes.write     what WASI functions and messages behind windows are written by, on this CPU and others
//   inPlace                       messages that are copied from component to component
//   wrote                         in front of writes through `view` and `words`: messages to and from objects in TypeScript
//                                 (rpc/dispatch.ts, message-copy.ts), the profiling word
// and further CPUs by `WorkerEngine.wrote` (cpus/worker-messages.ts). What moves bytes of dataspaces, or clears what is
// attached nowhere (placement.ts, remains.ts), changes no dataspace.
import { GuestBytes, type Marks, type Mirror, notesOf, type Windows } from "../../engine/index.ts";

const NO_BYTES = new DataView(new ArrayBuffer(0));
const NO_WORDS = new Int32Array(0);

/** A place in some memory. */
export interface WordPlace {
  memory: WebAssembly.Memory | undefined;
  /** All of it. */
  words: Int32Array;
  /** Index of its first word. */
  at: number;
}

function nowhere(): WordPlace {
  return { memory: undefined, words: NO_WORDS, at: 0 };
}

export abstract class ComponentMemory {
  #view: DataView | undefined;
  #words: Int32Array = NO_WORDS;
  /** In memory 0: what is read, and what is written. */
  readonly #read = nowhere();
  readonly #written = nowhere();
  /** The same of what lies behind windows. */
  readonly #readBehind = nowhere();
  readonly #writtenBehind = nowhere();

  /** Undefined: the program has none, or is not loaded. */
  protected abstract get memory(): WebAssembly.Memory | undefined;

  /** The windows of a program that was rewritten for them. */
  abstract get windows(): Windows | undefined;

  /** What is written to memory 0, of a program that was rewritten with marks. */
  abstract get marks(): Marks | undefined;

  /** What memory 0 is written to as well, of a program that was rewritten for that. */
  abstract get mirror(): Mirror | undefined;

  /** The bytes of memory 0; empty without one. Take it anew after anything that may grow the memory. */
  get view(): DataView {
    return this.#view ?? this.#takeView();
  }

  /** The same bytes as words. */
  get words(): Int32Array {
    if (!this.#view) this.#takeView();
    return this.#words;
  }

  /** Asking the engine for a memory's buffer costs more than all else in a call: it is done once a growth. */
  #takeView(): DataView {
    const { memory } = this;
    const buffer = memory?.buffer;
    this.#view = buffer ? new DataView(buffer) : NO_BYTES;
    this.#words = new Int32Array(this.#view.buffer);
    for (const place of [this.#read, this.#written]) Object.assign(place, { memory, words: this.#words });
    return this.#view;
  }

  /** Memory 0 is another or is about to have another size: every growth by the program or the PD says so. */
  memoryChanges(): void {
    this.#view = undefined;
  }

  /** Whether a range does not lie in linear memory below the windows. */
  windowed(address: number, sizeBytes: number): boolean {
    return this.windows !== undefined && address + sizeBytes > this.windows.limit;
  }

  /**
   * A range where it lies, in memory 0 or behind windows; undefined if it is not in one piece there, or the access is not
   * allowed. The object is the component's own, valid until the next question of the kind.
   *
   * @param address a multiple of 4
   */
  inPlace(address: number, sizeBytes: number, write: boolean): Readonly<WordPlace> | undefined {
    if (write) this.wrote(address, sizeBytes);
    if (!this.windowed(address, sizeBytes)) {
      if (!this.#view) this.#takeView();
      const place = write ? this.#written : this.#read;
      place.at = address >>> 2;
      return place;
    }
    const { pool } = this.windows!;
    const pooled = this.windows!.place(address, sizeBytes, write);
    if (pooled === 0) return undefined;
    const place = write ? this.#writtenBehind : this.#readBehind;
    place.memory = pool.memory;
    place.words = pool.wordsUpTo(pooled + sizeBytes);
    place.at = pooled >>> 2;
    return place;
  }

  /** The component's bytes as its own loads and stores reach them. */
  get bytes(): GuestBytes {
    return new GuestBytes(this.memory, this.windows, notesOf(this.marks, this.mirror));
  }

  /** So many bytes are about to be written by way of `view` or `words`, before anybody can take what was written. */
  wrote(address: number, sizeBytes: number): void {
    this.marks?.wrote(address >>> 0, sizeBytes);
    this.mirror?.wrote(address >>> 0, sizeBytes);
  }
}
