// The state of a component in TypeScript as plain data: what its `capture` gives and what its program begins with after a
// restore (design.md section 7). Capabilities in it are numbers, as the slots of a guest's table are.
import type { Capability, Identity, KernelObject } from "./capability.ts";
import type { SessionState } from "./state.ts";

/** Numbers for the capabilities in a state that is captured. */
export interface SlotWriter {
  /** A capability that the component holds; 0 for one that denotes nothing. */
  held(capability: Capability): number;
  /** The capability of an object that the component serves. */
  served(capability: Capability): number;
}

/** The capabilities of a state that is taken up. Those that other components serve may denote something only later. */
export interface SlotReader {
  /**
   * @param kind what is there, or will be as soon as it denotes anything; absent: anything, as what a client has given
   * @throws TypeError if it is another
   */
  held<T extends KernelObject = KernelObject>(slot: number, kind?: T["kind"]): Capability<T>;
  /**
   * Makes `object` what is served at a slot of `SlotWriter.served`.
   *
   * @param behind what it stands in front of
   * @throws TypeError if it is none, or `Badges.fulfil` refuses it
   */
  served<T extends KernelObject>(slot: number, object: T, behind?: Capability): Identity<T>;
}

/** What a component was at a checkpoint. */
export interface SavedComponent {
  readonly state: SessionState;
  readonly slots: SlotReader;
}
