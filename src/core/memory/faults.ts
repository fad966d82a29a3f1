// Page faults: who waits at which region map, and who is told (spec 2.2).
//
// A thread that runs into a hole or a forbidden access waits at the map that is responsible, in that map's addresses.
// A later attachment that covers the address lets it go on; it repeats the access, and may fault again elsewhere.
import {
  type Capability,
  type FaultType,
  notify,
  type RegionMapState,
  type SignalContext,
} from "../../session/index.ts";
import type { CoreRegionMap } from "./region-map.ts";

export type Access = "read" | "write" | "exec";

/** An access that no region allows. */
export interface PageFault {
  /** The innermost map that is responsible. */
  readonly map: CoreRegionMap;
  /** In that map's addresses. */
  readonly address: number;
  readonly type: Exclude<FaultType, "ready">;
  /** Whether the map is nested in others: no line is logged for holes in such. */
  readonly nested: boolean;
}

/** A thread that waits for an attachment. */
export interface FaultWaiter {
  readonly fault: PageFault;
  /** It waits no longer: it was killed, paused for good, or let go on otherwise. Harmless when repeated. */
  cancel(): void;
}

interface Waiting {
  readonly fault: PageFault;
  readonly resume: () => void;
}

export const FAULT_OF = { read: "read-fault", write: "write-fault", exec: "exec-fault" } as const;

/** The faults of one map, oldest first. */
export class FaultQueue {
  readonly #waiting = new Set<Waiting>();
  #handler: Capability<SignalContext> | undefined;

  set handler(context: Capability<SignalContext>) {
    this.#handler = context;
  }

  /** Whether somebody wants to be told. */
  get handled(): boolean {
    return this.#handler?.valid ?? false;
  }

  state(): RegionMapState {
    for (const { fault } of this.#waiting) return { type: fault.type, address: fault.address };
    return { type: "ready", address: 0 };
  }

  /**
   * Lets a thread wait, and tells the handler, unless it was told when the thread met the fault in an earlier life.
   *
   * @param resume is called once, at the attachment; must only make a note
   */
  wait(fault: PageFault, resume: () => void, handler: "told" | "untold" = "untold"): FaultWaiter {
    const waiting = { fault, resume };
    this.#waiting.add(waiting);
    if (handler === "untold") notify(this.#handler);
    return { fault, cancel: () => void this.#waiting.delete(waiting) };
  }

  /** Something is attached at [start, end) now. */
  attached(start: number, end: number): void {
    for (const waiting of this.#waiting) {
      const { address } = waiting.fault;
      if (address < start || address >= end) continue;
      this.#waiting.delete(waiting);
      waiting.resume();
    }
  }
}
