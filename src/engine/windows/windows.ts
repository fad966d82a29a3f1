// The windows of one component: where its address space leads, and what happens when it leads nowhere.
//
//   address < limit    the instance's memory 0, as compiled
//   otherwise          the page table: a page of the pool, or a fault
//
// A fault asks `onFault`. "retry" means that the page has been attached: the access is done again at once. "park"
// freezes the thread at the instruction; `thread.fault` says what it waits for, and whoever has attached the page lets
// the thread run again, which does the access again. A thread that runs without that faults again.
//
// I1  Generated code learns of a changed limit or page table no later than behind the call, poll or fault in which the
//     host made the change: the host changes them at safe points only.
// I2  "retry" without a page is taken as "park": nothing loops for ever.
//
// Not here: regions, dataspaces, who handles faults (core/).

import { type ByteFault, EXPORT, WINDOW } from "../../abi/index.ts";
import { assert } from "../../util/index.ts";
import { GuestBytes } from "./guest-bytes.ts";
import type { Pool } from "./pool.ts";
import { PageTable } from "./table.ts";

/** An access that the page table does not allow. */
export interface PageFault {
  readonly type: "read" | "write";
  /** The first byte, in the component's addresses, that cannot be accessed. */
  readonly address: number;
}

export type FaultPolicy = (fault: PageFault) => "retry" | "park";

export class Windows {
  readonly pool: Pool;
  readonly table: PageTable;
  /** Called behind every change of limit or page table, for instances in other JavaScript threads. */
  changed: () => void = () => {};
  /** Asked at every fault; by default the thread parks. */
  onFault: FaultPolicy = () => "park";
  readonly #limits: WebAssembly.Global[] = [];
  /** First addresses of the runs that instances remember. */
  readonly #runs: WebAssembly.Global[] = [];
  #limit = 0;
  #memory: WebAssembly.Memory | undefined;

  constructor(pool: Pool, table: PageTable = new PageTable()) {
    this.pool = pool;
    this.table = table;
    this.table.changed = () => this.#advance();
  }

  /**
   * Addresses below the limit are those of memory 0, at full speed; at and above it nothing of memory 0 is reachable.
   * In bytes, a multiple of 4096, at most WINDOW.highestLimit. Set it at safe points only: before a thread runs, or in a
   * host function, poll policy or fault handler. The bytes stay where they are: whoever lowers the limit moves them.
   */
  get limit(): number {
    return this.#limit;
  }

  set limit(bytes: number) {
    const fits = bytes >= 0 && bytes <= WINDOW.highestLimit && bytes % WINDOW.pageBytes === 0;
    assert(fits, `limit ${bytes} is a multiple of 4096 up to ${WINDOW.highestLimit}`);
    this.#limit = bytes;
    for (const limit of this.#limits) limit.value = bytes | 0;
    this.#advance();
  }

  /** Connects an instance of the component; all of them share the address space of the first one's memory 0. */
  attach(exports: WebAssembly.Exports, memory: WebAssembly.Memory): void {
    this.#memory ??= memory;
    const limit = exports[EXPORT.limit] as WebAssembly.Global;
    limit.value = this.#limit | 0;
    this.#limits.push(limit);
    for (let run = 0; run < WINDOW.runs; run++) this.#runs.push(exports[`${EXPORT.run}${run}`] as WebAssembly.Global);
  }

  /** The memory 0 of instances that other JavaScript threads have. */
  set memory(memory: WebAssembly.Memory) {
    this.#memory = memory;
  }

  /** The component's bytes as its own code reaches them: for host functions that are given pointers. */
  get bytes(): GuestBytes {
    return new GuestBytes(this.#memory, this);
  }

  /** Where an address leads with an access; the fault if it must not be done. Below the limit: undefined. */
  translate(address: number, write: boolean): { poolAddress: number; bytes: number } | ByteFault | undefined {
    if (address < this.#limit) return undefined;
    const found = this.table.lookup(address);
    if (found && (found.writable || !write)) return found;
    return { kind: "fault", type: write ? "write" : "read", address };
  }

  /** The pool address of a range above the limit that lies in one run and may be accessed; 0: it does not, or may not. */
  place(address: number, length: number, write: boolean): number {
    return address < this.#limit ? 0 : this.table.place(address, length, write);
  }

  /**
   * Asks for the policy of a fault; for the engine.
   *
   * @returns the fault if the thread is to park
   */
  fault(need: number, address: number): PageFault | undefined {
    const write = (need & WINDOW.write) !== 0;
    const fault: PageFault = { type: write ? "write" : "read", address };
    if (this.onFault(fault) === "park") return fault;
    const now = this.table.lookup(address); // below a limit that has been raised: the access must begin anew
    return now && (now.writable || !write) ? undefined : fault;
  }

  /** Lets all instances look into the page table again. */
  #advance(): void {
    for (const start of this.#runs) start.value = WINDOW.nowhere;
    this.changed();
  }
}
