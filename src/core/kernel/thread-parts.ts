// What threads are made of, and what a thread's session is to its threads.
import type { Thread } from "../../engine/index.ts";
import type { Capability, Location, OutOf, SignalContext } from "../../session/index.ts";
import type { Attempt } from "../../util/index.ts";
import type { Access } from "../memory/index.ts";
import type { KernelThread } from "./thread.ts";
import type { AtomicWord } from "./waits.ts";

/** What a thread waits for. */
export type Waiting =
  | { readonly kind: "call"; readonly call: number }
  | { readonly kind: "futex"; readonly address: number }
  /** `memory.atomic.wait` */
  | ({ readonly kind: "atomic" } & AtomicWord)
  /** The slot of the source. */
  | { readonly kind: "signal"; readonly slot: number }
  /** `ep_wait_wakeup` */
  | { readonly kind: "wakeup" }
  /** A WASI call; the component's `wake`, or time. */
  | { readonly kind: "host" }
  /** An attachment that allows the access; without an access: memory to grow by. */
  | { readonly kind: "fault"; readonly address: number; readonly access?: Access }
  /** An entrypoint without work. */
  | { readonly kind: "serve" };

export const SERVE: Waiting = { kind: "serve" };

/** What an activation is for: the number of a call that it serves, or one of ROLE. */
export const ROLE = { notification: 0, main: -1, start: -2, wakeup: -3, command: -4 } as const;

/** One call into the component that has not returned. */
export interface Activation {
  readonly engine: Thread;
  readonly role: number;
}

/** What the thread's session knows about it. */
export interface ThreadSetup {
  readonly name: string;
  readonly weight: number;
  readonly priority: number;
  readonly affinity: Location;
  readonly utcb: number;
}

/** A thread's session, as far as its threads need it. */
export interface ThreadOwner {
  /** Handler of threads without their own. */
  readonly handler: Capability<SignalContext>;
  /** Share of the processor within the thread's priority; any unit. */
  shareOf(thread: KernelThread): number;
  /** Clips a location to the session's. */
  place(location: Location | undefined): Location;
  /** The thread's place in the control dataspace. */
  traceIndex(thread: KernelThread): number;
  /** A thread like this one in the same component. */
  spawn(thread: KernelThread): Attempt<KernelThread, "thread-creation-failed" | OutOf>;
  /** It has ended, however it did. */
  ended(thread: KernelThread): void;
}
