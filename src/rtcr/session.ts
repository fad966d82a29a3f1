// What the interposers of all services have in common: one capability of their own, one session behind them, and the
// arguments of both (spec 1.4: session base).
import type { ObjectInfo, SessionInfo } from "../checkpoint/index.ts";
import type { Capability, Dataspace, KernelObject, Location, SlotReader, SlotWriter } from "../session/index.ts";
import { Front } from "./front.ts";
import type { RecordWriter } from "./record-writer.ts";
import type { ChildContext } from "./tracked.ts";

/** What the making of an interposer has made, in that order. */
export interface Made {
  readonly fronts: readonly Capability[];
  readonly records: readonly ObjectInfo[];
  /** What the service has given with the session: what the fronts behind the first stand before. */
  readonly behind: readonly Capability[];
}

/** What an interposer goes on with when its supervisor has been restored. */
export interface Resuming {
  readonly slots: SlotReader;
  /** Frees a dataspace of the supervisor's. */
  readonly free: (dataspace: Capability<Dataspace>) => void;
}

/**
 * The state of an interposer as its supervisor has it when it is checkpointed itself. Those that keep
 * nothing beside `SessionBase`, as LOG sessions do, need none of it.
 */
export interface Resumable<State> {
  readonly made: Made;
  capture(slots: SlotWriter): State;
  /** Takes up what `capture` gave; its fronts stand behind the capabilities that they had already. */
  resume(state: State, resuming: Resuming): void;
}

/** How a child opened a session. */
export interface Opened<T extends KernelObject> {
  /** Chosen by the child. */
  readonly id: number;
  readonly args: string;
  /** CPUs relative to the child's own; absent: all of them. */
  readonly affinity?: Location;
  /** The session that the service gave for it. */
  readonly real: Capability<T>;
  /** Another child of the supervisor serves it. */
  readonly sibling?: boolean;
  /** As `Made` has it, of a session that may be there only later; absent: the service is asked. */
  readonly behind?: readonly Capability[] | undefined;
}

/** A session's front and its record. */
export class SessionBase<T extends KernelObject> extends Front<T> {
  /** By the checkpoint that is being taken: who serves it is in that, too, and passes on what it has itself. */
  passedOn = false;
  readonly #info: Omit<SessionInfo, "upgradeArgs">;
  #upgradeArgs = "";

  constructor(context: ChildContext, self: T, { id, args, real }: Opened<T>) {
    super(context, self, real);
    this.#info = { ...context.record(this.capability.badge), id, creationArgs: args };
  }

  /** As it is recorded. */
  get info(): SessionInfo {
    return { ...this.#info, upgradeArgs: this.#upgradeArgs };
  }

  get made(): Made {
    return { fronts: [this.capability], records: [this.#info], behind: [] };
  }

  /** What the child has added to its donation. */
  get upgradeArgs(): string {
    return this.#upgradeArgs;
  }

  get id(): number {
    return this.#info.id;
  }

  get allocated(): number {
    return this.#info.allocated;
  }

  /** The child has upgraded the session, which has reached the service already (S66). */
  upgraded(args: string): void {
    this.#upgradeArgs = args;
  }

  /** As the child gave them. */
  get creationArgs(): string {
    return this.#info.creationArgs;
  }

  checkpoint(records: RecordWriter): void {
    records.object(this.#info);
    records.number(this.#info.id);
    records.text(this.#info.creationArgs);
    records.text(this.#upgradeArgs);
  }
}
