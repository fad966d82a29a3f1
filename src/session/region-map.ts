// Region maps: address spaces into which dataspaces are attached (spec 2.2).
import type { Attempt } from "../util/index.ts";
import type { Capability, KernelObject } from "./capability.ts";
import type { Dataspace } from "./dataspace.ts";
import type { OutOf } from "./quota.ts";
import type { SignalContext } from "./signal.ts";

export interface AttachOptions {
  /** Bytes, rounded up to pages; 0 or absent: the rest of the dataspace behind `offset`. */
  readonly size?: number;
  /** Where in the dataspace the region begins; a multiple of the page size, below the dataspace's size. */
  readonly offset?: number;
  /** Where in the map; absent: a free place with the largest natural alignment that the dataspace allows. */
  readonly address?: number;
  /** Default: false. */
  readonly executable?: boolean;
  /** Default: true; effective only if the dataspace is writable too. */
  readonly writeable?: boolean;
}

export type AttachRefusal = "invalid-dataspace" | "region-conflict" | OutOf;

export const FAULT_TYPES = ["ready", "read-fault", "write-fault", "exec-fault"] as const;
export type FaultType = (typeof FAULT_TYPES)[number];

/** The first thread that waits for an attachment: what it wanted, and where, in this map's addresses. */
export interface RegionMapState {
  readonly type: FaultType;
  /** 0 when `type` is "ready". */
  readonly address: number;
}

export interface RegionMap extends KernelObject {
  readonly kind: "region-map";
  /** Bytes. */
  size(): number;
  /** The address of the region. The map's data is charged to the PD. Waiting threads that it serves go on. */
  attach(dataspace: Capability<Dataspace>, options?: AttachOptions): Attempt<number, AttachRefusal>;
  /** Takes away the whole region that holds `address`; harmless if there is none. */
  detach(address: number): void;
  /** Who is told of faults; INVALID: nobody, and faulting threads stay stopped. */
  faultHandler(context: Capability<SignalContext>): void;
  state(): RegionMapState;
  /** The map as a managed dataspace; the same capability each time. */
  dataspace(): Capability<Dataspace>;
}

/** RM session: region maps of one's own (spec 2.3). */
export interface RmSession extends KernelObject {
  readonly kind: "rm";
  /** @param size bytes, rounded up to pages; what the map needs is charged to the session's donation */
  create(size: number): Attempt<Capability<RegionMap>, OutOf>;
  /** All attachments of the map in other maps vanish. Foreign capabilities are ignored, with a warning. */
  destroy(map: Capability<RegionMap>): void;
}
