// Native_pd: what this platform adds to a PD: its program and its table of capabilities (design.md section 7). It is
// how a parent loads a component and how RTCR captures and recreates one, as plain data.
import type { Attempt, PlainWriter } from "../util/index.ts";
import type { Capability, KernelObject } from "./capability.ts";
import type { Dataspace } from "./dataspace.ts";
import type { PdSession } from "./pd.ts";
import type { SessionState } from "./state.ts";

/** Takes one slot of a component's table. @param count references that the component holds */
export type VisitSlot = (slot: number, capability: Capability, count: number) => void;

export interface NativePd extends KernelObject {
  readonly kind: "native-pd";
  /** Loads the program of this PD, once. A refusal's message says what is wrong with the module. */
  load(
    binary: Capability<Dataspace>,
    options?: LoadOptions,
  ): Attempt<void, "invalid-program" | "already-loaded" | "out-of-ram">;
  /** The PD as the component sees it from now on (`LoadOptions.pd`). */
  shownAs(pd: Capability<PdSession>): void;
  /**
   * Why `load`, a capture that is "unsaveable", or what a program in TypeScript gives or takes of its state, was refused the
   * last time; one line.
   */
  problem(): string;
  /** Visits all slots in use, ascending; those of dead objects included. */
  eachSlot(visit: VisitSlot): void;
  /** Puts a capability at a slot of the component's choice; "slot-taken" if another one is there. */
  install(slot: number, capability: Capability, count?: number): Attempt<void, "slot-taken" | "out-of-caps">;
  /** Facts about the loaded program; undefined before. */
  program(): ProgramFacts | undefined;
  /** Whether the program that is loaded marks what it writes (`LoadOptions.marks`): one in TypeScript, or without a memory, never. */
  marked(): boolean;
  /**
   * The program goes on, from where its threads stand, in one that marks what it writes, or in one that does not. It sees nothing of
   * it; what it has written before counts as written. One that never marks anything, or marks already, stays as it is.
   *
   * @returns "busy": a thread of it is in a call on the JavaScript stack; "unsaveable": it cannot be had, `problem` says why. It goes on
   *   as it is then
   */
  mark(marks: boolean): Attempt<void, "busy" | "unsaveable">;
  /** The memory that the program began with, as a dataspace of the PD; INVALID if it has none, or has freed it. */
  data(): Capability<Dataspace>;
  /** Takes all capabilities out of the component's table; all threads must stand still. */
  clearSlots(): void;
  /** Makes, before a pause, what `captureInstance` needs each time, so that it need not. */
  prepareCapture(): void;
  /**
   * Writes the state of the instance outside dataspaces (globals, tables, dropped segments, memories beside memory 0, WASI, memory
   * that the program has detached and still reaches, which slots come next); all threads must stand still. Files and terminals of a WASI program are
   * states of their sessions, to be reopened before this is restored. Of a program in TypeScript it is all of its state, and
   * fills the table with the capabilities in it. After a refusal what was written is of no use.
   *
   * @param unattached also what the program has written where nothing was ever attached: linear memory is looked at as far as
   *   nothing is attached, hundreds of MiB. Default: only if the program was loaded with marks, and they say that it has
   */
  captureInstance(to: PlainWriter, unattached?: boolean): Attempt<void, "busy" | "unsaveable" | "too-much-detached">;
  /**
   * Ahead of a restore, which will attach dataspaces as far as `end` and write to [from, to): the linear memory has room for that,
   * and the system has given these pages. Nobody sees it: what the memory holds, its size and what the PD is charged stay as they
   * are. All threads must stand still, and no other than the restore may let them go on.
   *
   * @param state as `restoreInstance` will be given it
   * @returns false: nothing was done, this program's memory does not lie in one piece (windows, regions that it began with and that the
   *   state has detached), or has not so much room
   */
  prepareMemory(
    state: SessionState,
    needs: { readonly end: number; readonly from: number; readonly to: number },
  ): boolean;
  /** All but `restoreRest`. The table must hold the capabilities already if the program is one in TypeScript. */
  restoreInstance(state: SessionState): Attempt<void, "busy" | "mismatch">;
  /** Of the same state memory outside dataspaces, and free slots: when all attachments and slots are there, before a thread runs. */
  restoreRest(state: SessionState): Attempt<void, "mismatch">;
  /** Objects that a program in TypeScript serves, as of the last `captureInstance`. */
  served(): readonly Capability[];
}

export interface LoadOptions {
  /** Translate accesses through windows: needed for shared, managed, read-only and fault-handled regions. */
  readonly windows?: boolean;
  /**
   * Stores mark the pages that they write, for increments (`Dataspace.written`). A page is 4 KiB; whoever wants larger granules
   * takes those that hold a written page. Memories beside memory 0 are not marked: they are part of the instance's state. The PD is
   * not charged for the marks (MARKS_BYTES), lest its program see who takes increments.
   */
  readonly marks?: boolean;
  /**
   * What the program writes to memory 0 it writes twice, for snapshots (`MemoryMirror`) of so many slots, which MIRROR_SLOTS
   * limits. Its memory has room as far as a slot has then. Without effect, and said so, on programs that cannot have that: those
   * with windows, 64-bit addresses, or threads whose instances write data.
   */
  readonly mirrorSlots?: number;
  /** The PD as the component sees it, where another stands in front: memory.grow allocates there. */
  readonly pd?: Capability<PdSession>;
  /** memory.grow beyond the quota asks the parent for more and waits, instead of failing. */
  readonly growthRequests?: boolean;
}

export interface ProgramFacts {
  /** SHA-256 of the module, or of the binary that names a program in TypeScript; hexadecimal. */
  readonly module: string;
  /** The name of a program in TypeScript. */
  readonly native?: string;
  /** It is a WASI program: its sessions were opened, at its parent, when it was loaded. */
  readonly wasi?: boolean;
  readonly windows: boolean;
  /** Where the stack area lies in the address space, and where the linker area does. */
  readonly stackArea: number;
  readonly linkerArea: number;
  /** Whether it sets itself up by a run-time library of components, which tells its parent when that is done. */
  readonly bootstraps: boolean;
}
