// What a component in TypeScript is given by its creator (spec 2.13): the same parent and environment sessions as any
// guest, and what stands for its entrypoint. Native components live in the kernel's JavaScript thread and never block.
import type { Attempt } from "../util/index.ts";
import type { Badges, Capability, KernelObject } from "./capability.ts";
import type { CpuSession, Location } from "./cpu.ts";
import type { ParentSession } from "./parent.ts";
import type { PdSession } from "./pd.ts";
import type { SessionRefusal } from "./quota.ts";
import type { LogSession } from "./services.ts";
import type { SignalContext } from "./signal.ts";

export interface Env {
  readonly parent: Capability<ParentSession>;
  readonly pd: Capability<PdSession>;
  readonly cpu: Capability<CpuSession>;
  readonly log: LogSession;
  /** For the capabilities of objects that the component serves. */
  readonly badges: Badges;
  /** Opens a session with an id of the component's choice; INVALID while pending, as `ParentSession.session`. */
  session(id: number, service: string, args: string, affinity?: Location): Attempt<Capability, SessionRefusal>;
  /** A context whose signals call `handle` from the event loop, once a batch; dispose of it to stop them. */
  signalHandler(handle: () => void): SignalHandler;
  /** The same for a context that was one of the component's handlers before a restore. */
  signalHandlerAgain(context: Capability<SignalContext>, handle: () => void): SignalHandler;
}

export interface SignalHandler {
  readonly context: Capability<SignalContext>;
  dispose(): void;
}

/** The object behind a capability if it is alive and of the kind expected. */
export function objectOf<T extends KernelObject>(capability: Capability, kind: T["kind"]): T | undefined {
  const { object } = capability;
  return object?.kind === kind ? (object as T) : undefined;
}
