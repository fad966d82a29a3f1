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
  /** Which of those that wait at the map it is, from 0. */
  place(): number;
  /** It waits no longer: it was killed, paused for good, or let go on otherwise. Harmless when repeated. */
  cancel(): void;
}

interface Waiting {
  readonly fault: PageFault;
  readonly resume: () => void;
  /** Among those that waited when the thread was saved; Infinity: it came later than they all. */
  readonly place: number;
}

export const FAULT_OF = { read: "read-fault", write: "write-fault", exec: "exec-fault" } as const;

/** The faults of one map, oldest first. */
export class FaultQueue {
  #waiting: readonly Waiting[] = [];
  #handler: Capability<SignalContext> | undefined;

  set handler(context: Capability<SignalContext>) {
    this.#handler = context;
  }

  /** Whether somebody wants to be told. */
  get handled(): boolean {
    return this.#handler?.valid ?? false;
  }

  state(): RegionMapState {
    const [first] = this.#waiting;
    return first ? { type: first.fault.type, address: first.fault.address } : { type: "ready", address: 0 };
  }

  /**
   * Lets a thread wait, and tells the handler.
   *
   * @param resume is called once, at the attachment; must only make a note
   */
  wait(fault: PageFault, resume: () => void): FaultWaiter {
    const waiter = this.waitAgain(fault, resume, Infinity);
    notify(this.#handler);
    return waiter;
  }

  /** As `wait`, of a thread that met the fault in an earlier life, in its place among others: the handler was told then. */
  waitAgain(fault: PageFault, resume: () => void, place: number): FaultWaiter {
    const waiting: Waiting = { fault, resume, place };
    const later = this.#waiting.findIndex((other) => other.place > place);
    this.#waiting = this.#waiting.toSpliced(later < 0 ? this.#waiting.length : later, 0, waiting);
    return {
      fault,
      place: () => this.#waiting.indexOf(waiting),
      cancel: () => this.#leave(waiting),
    };
  }

  /** Something is attached at [start, end) now. */
  attached(start: number, end: number): void {
    for (const waiting of this.#waiting) {
      const { address } = waiting.fault;
      if (address < start || address >= end) continue;
      this.#leave(waiting);
      waiting.resume();
    }
  }

  #leave(waiting: Waiting): void {
    this.#waiting = this.#waiting.filter((other) => other !== waiting);
  }
}
