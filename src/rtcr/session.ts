// What the interposers of all services have in common: one capability of their own, one session behind them, and the
// arguments of both (spec 1.4: session base).
import type { SessionInfo } from "../checkpoint/index.ts";
import type { Capability, Identity, KernelObject } from "../session/index.ts";
import type { ChildContext } from "./tracked.ts";

/** How a child opened a session. */
export interface Opened<T extends KernelObject> {
  /** Chosen by the child. */
  readonly id: number;
  readonly args: string;
  /** The session that the service gave for it. */
  readonly real: Capability<T>;
}

/**
 * The interposer's identity and its record. Disposing ends the capability, as the death of the session behind does; that is
 * the parent's to close.
 */
export class SessionBase<T extends KernelObject> {
  readonly real: Capability<T>;
  readonly capability: Capability<T>;
  readonly #identity: Identity<T>;
  readonly #context: ChildContext;
  readonly #info: Omit<SessionInfo, "upgradeArgs">;
  #upgradeArgs = "";

  constructor(context: ChildContext, self: T, { id, args, real }: Opened<T>) {
    this.real = real;
    this.#context = context;
    this.#identity = context.badges.identify(self, real);
    this.capability = this.#identity.capability;
    this.#info = { ...context.record(this.capability.badge), id, creationArgs: args };
    context.interposes(this.capability, real);
  }

  get id(): number {
    return this.#info.id;
  }

  /** The child has upgraded the session, which has reached the service already (S66). */
  upgraded(args: string): void {
    this.#upgradeArgs = args;
  }

  info(): SessionInfo {
    return { ...this.#info, upgradeArgs: this.#upgradeArgs };
  }

  dispose(): void {
    this.#context.forget(this.capability);
    this.#identity.dispose();
  }
}
