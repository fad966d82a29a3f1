// Memory 0 of a component's program, as the kernel reads and writes it: in place, or behind windows.
import { GuestBytes, type Windows } from "../../engine/index.ts";

const NO_BYTES = new DataView(new ArrayBuffer(0));

/** A place in some memory. */
export interface WordPlace {
  words: Int32Array;
  /** Index of its first word. */
  at: number;
}

export abstract class ComponentMemory {
  #view: DataView | undefined;
  #words: Int32Array = new Int32Array(0);
  readonly #read: WordPlace = { words: this.#words, at: 0 };
  readonly #written: WordPlace = { words: this.#words, at: 0 };

  /** Undefined: the program has none, or is not loaded. */
  protected abstract get memory(): WebAssembly.Memory | undefined;

  /** The windows of a program that was rewritten for them. */
  abstract get windows(): Windows | undefined;

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
    const buffer = this.memory?.buffer;
    this.#view = buffer ? new DataView(buffer) : NO_BYTES;
    this.#words = new Int32Array(this.#view.buffer);
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
    const place = write ? this.#written : this.#read;
    if (!this.windowed(address, sizeBytes)) {
      place.words = this.words;
      place.at = address >>> 2;
      return place;
    }
    const { pool } = this.windows!;
    const pooled = this.windows!.place(address, sizeBytes, write);
    if (pooled === 0) return undefined;
    place.words = pool.wordsUpTo(pooled + sizeBytes);
    place.at = pooled >>> 2;
    return place;
  }

  /** The component's bytes as its own loads and stores reach them. */
  get bytes(): GuestBytes {
    return this.windows?.bytes ?? new GuestBytes(this.memory);
  }
}
