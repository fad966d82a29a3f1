// CPU session, CPU thread and Native_cpu (spec 2.5, 2.6).
import type { Attempt, PlainWriter } from "../util/index.ts";
import type { Capability, KernelObject } from "./capability.ts";
import type { Dataspace } from "./dataspace.ts";
import type { PdSession } from "./pd.ts";
import type { OutOf } from "./quota.ts";
import type { RpcMessage } from "./rpc-object.ts";
import type { SignalContext } from "./signal.ts";
import type { SessionState } from "./state.ts";

/** A rectangle of CPUs. */
export interface Location {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export const WEIGHT = { default: 10, limit: 32_768 } as const;
export const THREAD_NAME_LIMIT = 32;
/** 0 is the highest priority. */
export const PRIORITY_LIMIT = 1 << 16;
/** CPU quota is a share scaled to this. */
export const CPU_QUOTA_SCALE = 1 << 15;

export interface ThreadOptions {
  readonly name: string;
  /** Relative to the session's location; clipped to it. */
  readonly affinity?: Location;
  readonly weight?: number;
  /** Address of the thread's message buffer; recorded. */
  readonly utcb?: number;
}

export interface CpuSession extends KernelObject {
  readonly kind: "cpu";
  createThread(
    pd: Capability<PdSession>,
    options: ThreadOptions,
  ): Attempt<Capability<CpuThread>, "thread-creation-failed" | OutOf>;
  /** Foreign and invalid capabilities are ignored. */
  killThread(thread: Capability<CpuThread>): void;
  /** For all threads without a handler of their own, those that exist included. */
  exceptionSigh(context: Capability<SignalContext>): void;
  affinitySpace(): { readonly width: number; readonly height: number };
  /** One control block a thread. */
  traceControl(): Capability<Dataspace>;
  /** 0; -1 unknown target, -2 already set, -3 itself. */
  refAccount(cpu: Capability<CpuSession>): number;
  /** @param amount share of this session's quota, scaled to CPU_QUOTA_SCALE @returns 0; -1 unknown, -2 unrelated, -3 too much */
  transferQuota(cpu: Capability<CpuSession>, amount: number): number;
  quota(): { readonly superPeriodUs: number; readonly us: number };
  nativeCpu(): Capability<NativeCpu>;
}

/** Where a stopped thread is: what registers are to a processor. */
export interface ThreadState {
  /** Function (index in the component's module) of the innermost frame, and the position in its body: the IP. */
  readonly function: number;
  readonly position: number;
  /** The stack pointer: value of the module's stack pointer global; 0 if it has none. */
  readonly stackPointer: number;
  /** Depth of the call stack in frames. */
  readonly frames: number;
  readonly paused: boolean;
  readonly unresolvedPageFault: boolean;
  readonly exception: boolean;
  /** Everything that is needed to go on elsewhere, as plain data: frames, host call, own globals. */
  readonly saved: SessionState;
}

export interface CpuThread extends KernelObject {
  readonly kind: "cpu-thread";
  /** Always invalid: messages lie in the component's own memory, no block of a kernel's is shared with a thread. */
  utcb(): Capability<Dataspace>;
  /**
   * @param ip index in the component's function table; 0: the program's entry
   * @param sp initial stack pointer; 0: as the program's own stack
   */
  start(ip: number, sp: number): void;
  /** Idempotent. When it has returned the thread runs no more, wherever it was, until `resume`. */
  pause(): void;
  resume(): void;
  /** Makes a blocking call of the thread return "blocking-canceled". */
  cancelBlocking(): void;
  state(): Attempt<ThreadState, "state-access-failed">;
  /**
   * Of a stopped thread; takes effect when it goes on. `saved` decides; the rest is ignored.
   *
   * @param state `saved` null: nothing is left of what the thread did or waits for
   * @param calls numbers that calls under way have now, by those in `saved` (NativeCpu.adoptCall); others are issued
   *   again, or their replies dropped
   * @param paused whether it is paused then; default: as before
   * @returns "out-of-ram": its PD cannot pay for the frames that it would stand in; the thread is as it was
   */
  setState(
    state: Pick<ThreadState, "saved">,
    calls?: ReadonlyMap<number, number>,
    paused?: boolean,
  ): Attempt<void, "state-access-failed" | "out-of-ram">;
  /** Its own handler: wins over the session's. */
  exceptionSigh(context: Capability<SignalContext>): void;
  /** A stop (exception) at every safe point. */
  singleStep(enabled: boolean): void;
  /**
   * Where it may run, within its session's location. A component is where its first thread (the oldest that has not ended)
   * may run: when that is given another place, all of its threads go there at their next safe point.
   */
  affinity(location: Location): void;
  traceControlIndex(): number;
  traceBuffer(): Capability<Dataspace>;
  tracePolicy(): Capability<Dataspace>;
}

/** Extra facts of this platform about a thread (thesis 2.4: Fiasco.OC's extended state). */
export interface NativeThreadState {
  /** "dead" once its function has returned or trapped. */
  readonly activity: "new" | "ready" | "running" | "blocked" | "paused" | "faulted" | "dead";
  /** What it is blocked in, for people: `call log.write`, `wait`, `page fault at 0x1000`; empty otherwise. */
  readonly waitsFor: string;
  /** Times it was stopped by an exception. */
  readonly exceptions: number;
}

export interface NativeCpu extends KernelObject {
  readonly kind: "native-cpu";
  /** The thread behind a capability; an interposer gives the real one for its own. */
  nativeCap(thread: Capability<CpuThread>): Capability<CpuThread>;
  /** Who stands in front of a thread says so: what its own component gets for it, when it asks who it is (`self`). */
  shownAs(thread: Capability<CpuThread>, as: Capability<CpuThread>): void;
  threadState(thread: Capability<CpuThread>): Attempt<NativeThreadState, "state-access-failed">;
  /** What `threadState` says of it, alone; undefined for what is no thread. */
  activity(thread: Capability<CpuThread>): NativeThreadState["activity"] | undefined;
  /** Writes `saved` of a thread's `state`. @returns false if that cannot be had: then what was written is of no use */
  writeState(thread: Capability<CpuThread>, to: PlainWriter): boolean;
  /** That of a thread that stands still; 0 for what is none, or has none. */
  stackPointer(thread: Capability<CpuThread>): number;
  /**
   * Visits calls under way that threads of the session make or serve, oldest first; all threads must stand still. What is
   * visited is as it says until the next one is.
   */
  eachCall(visit: (call: CallState) => void): void;
  /** Tells `watcher` of threads that come without a call of the session. */
  watchSpawned(watcher: SpawnWatcher): void;
  /** Recreates a call whose caller and entrypoint are there but do not run yet. @returns its number */
  adoptCall(call: CallState): number;
  /** Writes the place (ThreadPlace) of a thread that stands still; the first for what is no thread. */
  writePlace(thread: Capability<CpuThread>, to: PlainWriter): void;
  /** Gives a thread that stands still the place that one had before. */
  setPlace(thread: Capability<CpuThread>, place: ThreadPlace): void;
}

/** A thread's place among those that can run. */
export interface ThreadPlace {
  /** Nanoseconds of processor time by share that it has had more than the one that has had least; a whole number. */
  readonly ahead: number;
  /** Decides between threads that have had the same: the lower first. */
  readonly rank: number;
  /** Present when all were stopped in the midst of its slice: what it had used of it, as whoever counts slices counts. */
  readonly slice?: number | undefined;
}

/** `starter`, a thread of the session, has made a thread like itself by `thread-spawn`, which is about to run. */
export type SpawnWatcher = (
  thread: Capability<CpuThread>,
  starter: Capability<CpuThread>,
  options: ThreadOptions,
) => void;

/** A call of an RPC object that has not ended, or whose caller has not seen the end. */
export interface CallState {
  readonly number: number;
  readonly target: Capability;
  readonly opcode: number;
  readonly state: "queued" | "dispatched" | "done";
  /** Of a call that is done: a CALL_STATUS. */
  readonly status: number;
  /** INVALID: nobody waits for it, or a TypeScript component does. */
  readonly caller: Capability<CpuThread>;
  /** Who serves it; INVALID: a TypeScript component. */
  readonly entrypoint: Capability<CpuThread>;
  /** The request while queued, the reply once done. */
  readonly message: RpcMessage;
}
