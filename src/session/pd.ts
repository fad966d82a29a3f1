// PD session: a protection domain with its accounts, memory, signals, RPC objects and region maps (spec 2.1).
//
// Every function checks in the order given there and rolls back whatever it had done when it refuses.
import type { Attempt } from "../util/index.ts";
import type { Capability, KernelObject } from "./capability.ts";
import type { CpuThread } from "./cpu.ts";
import type { Cached, Dataspace } from "./dataspace.ts";
import type { NativePd } from "./native-pd.ts";
import type { ParentSession } from "./parent.ts";
import type { OutOf } from "./quota.ts";
import type { RegionMap } from "./region-map.ts";
import type { RpcObject } from "./rpc-object.ts";
import type { SignalContext, SignalSource } from "./signal.ts";

export type TransferRefusal<Kind extends OutOf> = Kind | "invalid-session" | "undefined-ref-account";

export interface PdSession extends KernelObject {
  readonly kind: "pd";
  /** Called once by the creator, before the first thread starts. */
  assignParent(parent: Capability<ParentSession>): void;
  /** Whether the device was assigned: always false here, as on every platform without PCI. */
  assignPci(address: number, bdf: number): boolean;
  /** A hint that the range will be used. */
  map(address: number, size: number): Attempt<void, OutOf>;
  /** The one source of this PD; costs a capability with each call. */
  allocSignalSource(): Attempt<Capability<SignalSource>, OutOf>;
  freeSignalSource(source: Capability<SignalSource>): void;
  /** @param imprint returned with each signal; opaque, 32 bits */
  allocContext(
    source: Capability<SignalSource>,
    imprint: number,
  ): Attempt<Capability<SignalContext>, OutOf | "invalid-signal-source">;
  /** Drops what is pending. Anything but a context of this PD: warning. */
  freeContext(context: Capability<SignalContext>): void;
  /** The context may belong to anybody; a dead one is ignored. */
  submit(context: Capability<SignalContext>, count?: number): void;
  /** @param entrypoint the thread that will serve calls of the object */
  allocRpcCap(entrypoint: Capability<CpuThread>): Attempt<Capability<RpcObject>, OutOf>;
  freeRpcCap(object: Capability<RpcObject>): void;
  addressSpace(): Capability<RegionMap>;
  stackArea(): Capability<RegionMap>;
  linkerArea(): Capability<RegionMap>;
  /** Only the first call has effect; later ones and this PD itself are ignored. */
  refAccount(pd: Capability<PdSession>): Attempt<void, "invalid-session">;
  /** Only between a PD and its reference account, either way; to itself: nothing happens. */
  transferCapQuota(to: Capability<PdSession>, caps: number): Attempt<void, TransferRefusal<"out-of-caps">>;
  transferRamQuota(to: Capability<PdSession>, bytes: number): Attempt<void, TransferRefusal<"out-of-ram">>;
  /** 0 before there is an account. */
  capQuota(): number;
  usedCaps(): number;
  /** Bytes. */
  ramQuota(): number;
  usedRam(): number;
  /** Zeroed memory, rounded up to pages; size 0 gives INVALID. */
  alloc(size: number, cached?: Cached): Attempt<Capability<Dataspace>, OutOf | "undefined-ref-account">;
  /** Detaches it everywhere and refunds; foreign and unknown capabilities are ignored. */
  free(dataspace: Capability<Dataspace>): void;
  /** Bytes; 0 if it was not allocated here. */
  dataspaceSize(dataspace: Capability<Dataspace>): number;
  nativePd(): Capability<NativePd>;
}
