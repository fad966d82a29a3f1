// Copies contents of dataspaces into a lease: one after the other, each when its record is written (spec 1.7, sequential).
import { beginScope, endScope } from "../profile/index.ts";
import type { ByteSink, Cached, Dataspace } from "../session/index.ts";

/** Copies a whole dataspace to `at` of the lease. */
export interface Copier {
  /** @param sizeBytes the dataspace's; there is room for it */
  copy(dataspace: Dataspace, cached: Cached | undefined, at: number, sizeBytes: number): void;
}

/**
 * A replaceable copy engine (S110; the CDMA module of v2 copied uncached dataspaces by hardware). False: it cannot copy
 * this one, and has written nothing.
 */
export type CopyEngine = (dataspace: Dataspace, cached: Cached | undefined, target: Uint8Array) => boolean;

/** Copies at once; makes nothing on the heap for dataspaces that show their bytes (`Dataspace.pieces`). */
export class DirectCopier implements Copier, ByteSink {
  readonly #target: Uint8Array;
  readonly #engine: CopyEngine | undefined;
  readonly #begins: () => void;
  /** Where the dataspace begins that is being copied. */
  #begin = 0;

  /** @param begins called when a dataspace is about to be copied */
  constructor(
    target: Uint8Array,
    { engine, begins = () => {} }: { readonly engine?: CopyEngine | undefined; readonly begins?: () => void } = {},
  ) {
    this.#target = target;
    this.#engine = engine;
    this.#begins = begins;
  }

  copy(dataspace: Dataspace, cached: Cached | undefined, at: number, sizeBytes: number): void {
    this.#begins();
    const scope = beginScope("Checkpoint of dataspace", "red");
    if (!this.#byEngine(dataspace, cached, at, sizeBytes)) this.#copy(dataspace, at, sizeBytes);
    endScope(scope);
  }

  bytes(at: number, source: Uint8Array, from: number, length: number): void {
    const whole = from === 0 && length === source.length;
    this.#target.set(whole ? source : source.subarray(from, from + length), this.#begin + at);
  }

  zeros(at: number, length: number): void {
    this.#target.fill(0, this.#begin + at, this.#begin + at + length);
  }

  #byEngine(dataspace: Dataspace, cached: Cached | undefined, at: number, sizeBytes: number): boolean {
    return this.#engine?.(dataspace, cached, this.#target.subarray(at, at + sizeBytes)) ?? false;
  }

  #copy(dataspace: Dataspace, at: number, sizeBytes: number): void {
    if (!dataspace.pieces) {
      dataspace.read(0, this.#target.subarray(at, at + sizeBytes));
      return;
    }
    this.#begin = at;
    dataspace.pieces(this);
  }
}
