// What the interposers of all services have in common: one capability of their own, one session behind them, and the
// arguments of both (spec 1.4: session base).
import type { SessionInfo } from "../checkpoint/index.ts";
import type { Capability, KernelObject, Location } from "../session/index.ts";
import type { RecordWriter } from "./record-writer.ts";
import { type ChildContext, Front } from "./tracked.ts";

/** How a child opened a session. */
export interface Opened<T extends KernelObject> {
  /** Chosen by the child. */
  readonly id: number;
  readonly args: string;
  /** CPUs relative to the child's own; absent: all of them. */
  readonly affinity?: Location;
  /** The session that the service gave for it. */
  readonly real: Capability<T>;
}

/** A session's front and its record. */
export class SessionBase<T extends KernelObject> extends Front<T> {
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

  get id(): number {
    return this.#info.id;
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
