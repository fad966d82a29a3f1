// Where a checkpoint goes: a lease for records and contents, what a keeper has beside it, and who copies into both.
import type { Capability, Dataspace } from "../session/index.ts";
import type { ContentKeeper, KeptContents } from "./content-keeper.ts";
import { type Copier, type CopyEngine, DirectCopier } from "./copier.ts";
import type { DataProvider, Lease } from "./data-provider.ts";
import type { CopyPool } from "./parallel/copy-pool.ts";
import { type CopyPlaces, type CopyPlan, ParallelCopier } from "./parallel/parallel-copier.ts";

export interface RoomOptions {
  readonly provider: DataProvider;
  /** Keeps contents of dataspaces beside the lease. Default: all lie in it. */
  readonly keeper?: ContentKeeper | undefined;
  /** Copies what it can, instead of the processor. */
  readonly engine?: CopyEngine | undefined;
  /** Copies contents while records are written. Default: they are copied one after the other. */
  readonly pool?: CopyPool | undefined;
  /** Which of them copies what. Default: whoever comes first. */
  readonly places?: CopyPlaces | undefined;
}

export interface Room {
  readonly lease: Lease;
  readonly kept: KeptContents | undefined;
}

/** What a checkpoint needs. */
interface Need {
  readonly leastBytes: number;
  readonly likelyBytes: number;
  /** As in `ContentKeeper.begin`. */
  readonly granules: number | undefined;
}

/** @returns undefined if there is none; then, and if the keeper throws, nothing is taken */
export function roomFor(
  dataspaces: Iterable<Capability<Dataspace>>,
  { provider, keeper }: RoomOptions,
  { leastBytes, likelyBytes, granules }: Need,
): Room | undefined {
  const lease = provider.lease(leastBytes, likelyBytes);
  if (!lease.ok) return undefined;
  let kept: KeptContents | undefined;
  try {
    const begun = keeper?.begin(dataspaces, granules);
    kept = begun?.ok ? begun.value : undefined;
    return !begun || kept ? { lease: lease.value, kept } : undefined;
  } finally {
    if (keeper && !kept) lease.value.release();
  }
}

/** Workers see shared memory only: into other storage the supervisor copies alone. */
export function copierFor(
  { lease, kept }: Room,
  plan: CopyPlan,
  { pool, places, engine }: RoomOptions,
  begins: () => void,
): Copier {
  const { bytes } = lease;
  return pool && pool.living > 0 && inSharedMemory(bytes)
    ? new ParallelCopier(bytes, plan, pool, { engine, begins, places, targets: kept?.targets })
    : new DirectCopier(bytes, { engine, begins });
}

function inSharedMemory(bytes: Uint8Array): bytes is Uint8Array<SharedArrayBuffer> {
  return (bytes.buffer as ArrayBufferLike) instanceof SharedArrayBuffer;
}

/** The room is of no use; it is given back when nobody writes into it any more. */
export function giveBack({ lease, kept }: Room, copier: Copier | undefined): void {
  const abandoned = copier?.abandon();
  const giveGranules = kept?.abandon();
  const end = () => {
    giveGranules?.();
    lease.release();
  };
  if (abandoned) void abandoned.then(end);
  else end();
}
