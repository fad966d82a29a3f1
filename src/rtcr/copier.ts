// Copies contents of dataspaces into a lease: one after the other, each when its record is written (spec 1.7, sequential).
import { beginScope, endScope } from "../profile/index.ts";
import type { ByteSink, Cached, Dataspace } from "../session/index.ts";
import type { KeptContents } from "./content-keeper.ts";
import type { Part } from "./records.ts";

export interface Copier {
  /** What is copied from now on belongs to this part of a checkpoint. */
  beginPart(part: Part): void;
  /**
   * Copies a whole dataspace to `at` of the lease, now or later.
   *
   * @param sizeBytes the dataspace's; there is room for it
   * @param own asked first
   */
  copy(dataspace: Dataspace, cached: Cached | undefined, at: number, sizeBytes: number, own?: CopyEngine): void;
  /** The same by whoever keeps contents. @returns as `KeptContents.copy` */
  keep(dataspace: Dataspace, kept: KeptContents): number;
  /** For `KeptContents.copy`: copies so many bytes, now or later. @param target one of `KeptContents.targets` */
  copyTo(target: Uint8Array, at: number, source: Uint8Array, from: number, length: number): void;
  /** Everything is copied when it returns. @throws RtcrFault "copy-failed" */
  join(): void;
  /** Nothing is copied any more when it returns, or else when what it returns resolves. Harmless behind `join`. */
  abandon(): Promise<void> | undefined;
}

/**
 * A replaceable copy engine (S110; the CDMA module of v2 copied uncached dataspaces by hardware). False: it cannot copy
 * this one, and has written nothing.
 */
export type CopyEngine = (dataspace: Dataspace, cached: Cached | undefined, target: Uint8Array) => boolean;

export interface CopierOptions {
  readonly engine?: CopyEngine | undefined;
  /** Called when a dataspace is about to be copied. */
  readonly begins?: () => void;
}

/** Copies at once; makes nothing on the heap for dataspaces that show their bytes (`Dataspace.pieces`). */
export class DirectCopier implements Copier, ByteSink {
  /** Where the dataspace begins that is being copied. */
  protected begin = 0;
  readonly #target: Uint8Array;
  readonly #options: CopierOptions;

  constructor(target: Uint8Array, options: CopierOptions = {}) {
    this.#target = target;
    this.#options = options;
  }

  copy(dataspace: Dataspace, cached: Cached | undefined, at: number, sizeBytes: number, own?: CopyEngine): void {
    this.#options.begins?.();
    const scope = beginScope("Checkpoint of dataspace", "red");
    const { engine } = this.#options;
    const done = this.#by(own, dataspace, cached, at, sizeBytes) || this.#by(engine, dataspace, cached, at, sizeBytes);
    if (!done) this.#copy(dataspace, at, sizeBytes);
    endScope(scope);
  }

  keep(dataspace: Dataspace, kept: KeptContents): number {
    this.#options.begins?.();
    const scope = beginScope("Checkpoint of dataspace", "red");
    const place = kept.copy(dataspace, this);
    endScope(scope);
    return place;
  }

  copyTo(target: Uint8Array, at: number, source: Uint8Array, from: number, length: number): void {
    target.set(source.subarray(from, from + length), at);
  }

  beginPart(_part: Part): void {}

  bytes(at: number, source: Uint8Array, from: number, length: number): void {
    const whole = from === 0 && length === source.length;
    this.#target.set(whole ? source : source.subarray(from, from + length), this.begin + at);
  }

  zeros(at: number, length: number): void {
    this.#target.fill(0, this.begin + at, this.begin + at + length);
  }

  join(): void {}

  abandon(): Promise<void> | undefined {
    return undefined;
  }

  /** Nothing is made for an engine that is not there. */
  #by(engine: CopyEngine | undefined, dataspace: Dataspace, cached: Cached | undefined, at: number, sizeBytes: number) {
    return engine?.(dataspace, cached, this.#target.subarray(at, at + sizeBytes)) ?? false;
  }

  #copy(dataspace: Dataspace, at: number, sizeBytes: number): void {
    if (!dataspace.pieces) {
      dataspace.read(0, this.#target.subarray(at, at + sizeBytes));
      return;
    }
    this.begin = at;
    dataspace.pieces(this);
  }
}
