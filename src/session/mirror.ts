// Redundant memory (S109): what a component writes it writes twice, so that its memory as it is becomes a snapshot at once.
import type { ByteSink } from "../util/index.ts";

/** Slots that a mirror may have: one is written, one waits to be flattened, one is free; more would be too small. */
export const MIRROR_SLOTS = { least: 3, most: 8 } as const;

/** A component's memory as it was, until the next one is flattened. */
export interface MemorySnapshot {
  /**
   * So many bytes at `address` are to be at `at` of the target when it is flattened. Makes nothing.
   *
   * @returns false: there is no room for another piece
   */
  keep(address: number, length: number, at: number): boolean;
  /** Nothing of it is wanted any more, and the target is let alone. Harmless when repeated. */
  drop(): void;
}

/** The mirror of a component's memory. Calls come from the kernel's JavaScript thread. */
export interface MemoryMirror {
  /**
   * In front of a pause: there is a free slot for `freeze`.
   *
   * @param pieces that may be kept of the snapshot at most
   * @returns how many older snapshots it had to flatten for that
   */
  prepare(pieces: number): number;
  /**
   * In a pause, behind `prepare`: what the memory holds is a snapshot. Copied is what several CPUs have written, or the host since
   * `prepare`; nothing is made.
   *
   * @param target what is kept is copied there
   */
  freeze(target: Uint8Array): MemorySnapshot;
  /** Flattens snapshots by about so many bytes, older ones first. @returns true: everything of this one is in its target */
  step(snapshot: MemorySnapshot, bytes: number): boolean;
  /** Does all that is left for a snapshot. */
  finish(snapshot: MemorySnapshot): void;
}

/** Takes bytes of a dataspace, or is told that they are in a memory that has a mirror. */
export interface DataspaceSink extends ByteSink {
  /** @returns false: they are to be given by `bytes` */
  mirrored?(at: number, length: number, mirror: MemoryMirror, address: number): boolean;
}
