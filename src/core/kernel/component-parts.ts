// What a component is given by those around it: its PD's side, the run of a native program, its WASI functions.
import type { HostImports, PlainData } from "../../abi/index.ts";
import type { ThreadFault } from "../../engine/index.ts";
import type {
  Capability,
  Dataspace,
  OutOf,
  ParentSession,
  PdSession,
  SavedComponent,
  SessionState,
  SlotWriter,
} from "../../session/index.ts";
import type { PlainWriter } from "../../util/index.ts";
import type { Access, SavedRemain } from "../memory/index.ts";
import type { Component } from "./component.ts";
import type { HoldingsAccount } from "./holdings.ts";
import type { KernelThread } from "./thread.ts";

/** What a component's PD does for its program. */
export interface ComponentHome extends HoldingsAccount {
  readonly parent: Capability<ParentSession>;
  /** The PD that memory.grow allocates from: the component's own, or who stands in front of it. */
  account: Capability<PdSession>;
  /** The memory that the program began with. */
  readonly data: Capability<Dataspace>;
  /** Where its areas lie in the address space. */
  readonly areas: { readonly stackArea: number; readonly linkerArea: number };
  /** Takes the instance's memory into the PD's accounts and region maps. @returns why not, one line */
  adopt(component: Component, text: Capability<Dataspace>): string | undefined;
  /**
   * A fresh group has taken the place of the one before.
   *
   * @param other on another CPU, or of a program that was rewritten otherwise: all that was written goes with it
   */
  readopt(component: Component, other: boolean): void;
  /** Names of the regions that the program began with and that were detached since. */
  readonly detached: readonly string[];
  /** Detaches the regions of these names, if they are attached. */
  detach(names: readonly string[]): void;
  /**
   * Writes a plain list of what the program reaches beside what is attached (`SavedRemain`).
   *
   * @param unattached as of `captureInstance`
   * @returns how many bytes are in it; undefined: there is nothing, and nothing was written
   */
  writeRemains(to: PlainWriter, unattached: boolean): number | undefined;
  /** Whether its marks say that it has written where nothing was ever attached; false if it has none. */
  wroteUnattached(): boolean;
  /** Gives it what `writeRemains` wrote, when everything is attached again. @returns false if memory does not reach so far */
  restoreRemains(remains: readonly SavedRemain[], unattached: boolean): boolean;
  /** As `NativePd.prepareMemory`, of a program that has nothing detached. */
  prepareMemory(end: number, from: number, to: number): boolean;
  /** Whether all that `prepareMemory` has made room for was attached since. */
  readonly reached: boolean;
  /** memory.grow beyond the quota asks the parent for more and waits, instead of failing. */
  growthRequests: boolean;
  /** memory.grow of memory 0 by so many Wasm pages. */
  grow(deltaPages: number): "grown" | "refuse" | "park";
  /** Asks the parent for what a growth lacked, if growths do. @returns false if they do not */
  request(deltaPages: number, reason: OutOf): boolean;
  /** There is more quota: threads that wait for memory, not for an attachment, look again. */
  granted(component: Component): void;
  /** A thread stands at an access that no region allows. @returns false if it can be repeated at once */
  fault(thread: KernelThread, fault: ThreadFault): boolean;
  /** As `fault`, for a thread that has met it before it was saved: the fault's handler has been told. */
  faultAgain(thread: KernelThread, address: number, access: Access, place: number): boolean;
  /** Which of those that wait at its map a thread is, from 0; undefined if it waits for no attachment. */
  placeOf(thread: KernelThread): number | undefined;
  /** Whether the program's code may be executed now. */
  readonly mayExecute: boolean;
  /** As `mayExecute`; if not, the thread waits until it may. */
  executable(thread: KernelThread): boolean;
  /** A thread that may wait for memory or an attachment does so no longer. */
  forget(thread: KernelThread): void;
}

/** A program in TypeScript in the place of a module: nothing of it runs in the kernel's threads. */
export interface NativeRun {
  readonly name: string;
  /** SHA-256 of the binary that names it. */
  readonly module: string;
  /** The component's initial thread was started. Called more than once if more threads are. */
  start(): void;
  /** All of its state; undefined: it is a program that cannot be checkpointed. */
  capture(slots: SlotWriter): SessionState | undefined;
  /** Goes on from a captured state, in the place of `start`. @throws what the program throws at a state that is none */
  restore(saved: SavedComponent): void;
  /** The component ends. */
  dispose(): void;
}

/** The WASI functions of a component, and their state. */
export interface ComponentWasi {
  readonly imports: HostImports;
  /** Writes it, as one plain value. */
  writeState(to: PlainWriter): void;
  restore(state: PlainData): void;
  /** Whether a session that it works with has ended: calls that wait look again. Asked when any object has ended. */
  lost?(): boolean;
  /** The program has exited. */
  ended?(): void;
  /** The program is not taken up: what was opened for it is closed. */
  refused?(): void;
}
