// What a program that keeps children by init's machinery may do between them and their services. RTCR is the one that
// does (spec 1.3): its children are init's children, and what they hold are its interposers.
import type {
  Capability,
  KernelObject,
  LoadOptions,
  NativePd,
  Quota,
  SessionState,
  SlotReader,
  SlotWriter,
} from "../session/index.ts";
import type { Child } from "./child/child.ts";
import type { OwnEvents } from "./own-sessions.ts";
import type { SessionReader, SessionWriter } from "./sessions/saved-sessions.ts";
import type { Session } from "./sessions/session.ts";

export interface InitHooks {
  /** Init begins. @param spare what it has at any time, and neither uses, nor preserves, nor has promised to children */
  begins(spare: () => Quota): void;
  /** The capability that the client gets for what its server has delivered; INVALID: the session is refused. */
  deliver(session: Session, capability: Capability): Capability;
  /** The service's object behind one that `deliver` gave; every other capability stands for itself. */
  real<T extends KernelObject>(capability: Capability<T>): Capability<T>;
  /**
   * Whether a session of a child's environment is not opened but taken in later (`ChildParent.adopt`): the child is launched
   * without it.
   *
   * @param server the sibling that serves it
   */
  adopts(child: Child, id: number, server: string): boolean;
  /** The session's donation has grown. */
  upgraded(session: Session, quota: Quota): void;
  /** The session is closed. */
  ended(session: Session): void;
  /** How the child's program is loaded; it must do what `NativePd.load` does. */
  load(
    child: Child,
    native: NativePd,
    binary: Parameters<NativePd["load"]>[0],
    options: LoadOptions,
  ): ReturnType<NativePd["load"]>;
  /** The environment is complete and the program loaded. @returns true if the child is not to be started regularly */
  launch(child: Child): boolean;
  /** A child cannot be started. */
  failed(child: Child, why: string): void;
  /** Children are about to be started anew, by `Init.restart`. */
  restarting(names: readonly string[]): void;
  /** The children are those of the configuration, as far as they could be made. */
  applied(children: readonly Child[]): void;
  /** The text of init's configuration that a changed module `config` stands for. */
  configuration(text: string): string;
  /** Services of the program itself, which are offered to its parent if the configuration has a `<service>` for them. */
  readonly services: readonly string[];
  /** Makes the object of a session; undefined: denied. */
  serve(service: string, label: string): KernelObject | undefined;
  /** What becomes of a session that the program had opened as init's own before a restore; undefined: it is init's. */
  ownEvents(service: string, label: string): OwnEvents | undefined;
  /** The program's state beside init's. @throws Fault if it has none that could be saved, now */
  capture(slots: SlotWriter, sessions: SessionWriter): SessionState;
  /** Takes up what `capture` gave: children and sessions are there, nothing is in them yet. */
  restore(state: SessionState, slots: SlotReader, sessions: SessionReader): void;
}

/** Changes nothing. */
export const NO_HOOKS: InitHooks = {
  begins: () => {},
  deliver: (_, capability) => capability,
  real: (capability) => capability,
  adopts: () => false,
  upgraded: () => {},
  ended: () => {},
  load: (_, native, binary, options) => native.load(binary, options),
  launch: () => false,
  failed: () => {},
  restarting: () => {},
  applied: () => {},
  configuration: (text) => text,
  services: [],
  serve: () => undefined,
  ownEvents: () => undefined,
  capture: () => null,
  restore: () => {},
};
