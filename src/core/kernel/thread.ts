// A thread of a component: what it does, what it waits for, and how others stop it (spec 2.6).
//
//   new --start--> runnable <-> waiting        paused and faulted go with any of them --> dead
//
// I1  A thread runs only while it is runnable: started, not paused, not faulted, not dead, waiting for nothing.
// I2  All that it waits for is in `waiting`, as plain data; how the wait ended is in `outcome`.
// I3  A thread that does not run holds no JavaScript frame: its activations are frozen threads of its component's group.
import type { PlainData } from "../../abi/index.ts";
import { EngineFault, type Group, type Thread } from "../../engine/index.ts";
import {
  type Capability,
  type CpuThread,
  type Dataspace,
  type Identity,
  INVALID,
  type Location,
  type NativeThreadState,
  objectOf,
  type SessionState,
  type SignalContext,
  type ThreadState,
} from "../../session/index.ts";
import { type Attempt, assert, type PlainWriter, refusal, success } from "../../util/index.ts";
import type { TraceControl } from "../trace/index.ts";
import type { Component } from "./component.ts";
import { type ComponentEngine, LocalEngine } from "./engine.ts";
import { Entrypoint } from "./entrypoint.ts";
import { partNumber } from "./growth.ts";
import { frameKey } from "./held-frames.ts";
import type { Kernel } from "./kernel.ts";
import { activityOf, waitsFor } from "./thread-activity.ts";
import { type Activation, SERVE, type ThreadOwner, type ThreadSetup, type Waiting } from "./thread-parts.ts";
import { innermost, loadThread, saveThread, writeThread } from "./thread-state.ts";

export class KernelThread implements CpuThread {
  readonly kind = "cpu-thread";
  readonly id: number;
  readonly name: string;
  readonly weight: number;
  readonly priority: number;
  readonly utcbAddress: number;
  readonly component: Component;
  readonly owner: ThreadOwner;
  #wanted: Location;
  readonly #kernel: Kernel;
  readonly #identity: Identity<CpuThread>;

  started = false;
  paused = false;
  /** Stopped by an exception. */
  exception = false;
  /** Stopped by a trap: nothing is left that it could go on with. */
  faulted = false;
  /** It has ended: returned, or was killed. */
  dead = false;
  stepping = false;
  exceptions = 0;
  /** What went wrong, one line. */
  problem = "";
  waiting: Waiting | undefined;
  /** When the wait is over anyway: milliseconds of the kernel's clock; Infinity: never. */
  deadlineMs = Infinity;
  /** How the last wait ended, until the waiting call has seen it. */
  outcome: number | undefined;
  /** Outermost first; only the innermost can run. */
  activations: Activation[] = [];
  /** The instance of the group that it runs in: 0, unless it was started by `thread-spawn`. */
  instance = 0;
  /** The engine that has its instance, if that is not its component's (`Parts`). */
  part: ComponentEngine | undefined;
  /** Its values of the globals that are a thread's own, while another thread's are in the instance. */
  globals: readonly PlainData[] = [];
  entrypoint: Entrypoint | undefined;
  handler: Capability<SignalContext> = INVALID;
  /** The capability of who stands in front of it; INVALID: nobody does. */
  shownAs: Capability<CpuThread> = INVALID;
  /** Set once a TRACE session has seen the thread. */
  trace: TraceControl | undefined;

  /** On the JavaScript stack now. */
  onStack = false;
  /** The entrypoint that serves its call within it, on the JavaScript stack. */
  callee: KernelThread | undefined;
  /** In `ep_wait_wakeup`: the next wake-up is dispatched within the dispatch that waits. */
  wantsWakeup = false;
  /** A call that `cancel_blocking` met while it was being served within it. */
  canceled = false;
  /** What a host call that must give way has to remember. */
  progress: PlainData | undefined;
  /** Processor time in milliseconds; and in nanoseconds divided by the thread's share, which orders the ready. */
  usedMs = 0;
  virtual = 0;
  /** Its number, or that of the thread whose state it has taken up: orders those that are ready and have had the same. */
  rank: number;
  /** In the scheduler's queue. */
  queued = false;

  /** Made by the kernel. */
  constructor(kernel: Kernel, id: number, component: Component, owner: ThreadOwner, setup: ThreadSetup) {
    this.#kernel = kernel;
    this.id = this.rank = id;
    this.component = component;
    this.owner = owner;
    this.name = setup.name;
    this.weight = setup.weight;
    this.priority = setup.priority;
    this.#wanted = setup.affinity;
    this.utcbAddress = setup.utcb;
    this.#identity = kernel.badges.identify<CpuThread>(this);
  }

  get capability(): Capability<CpuThread> {
    return this.#identity.capability;
  }

  /** What its component knows it by. */
  get shown(): Capability<CpuThread> {
    return this.shownAs.valid ? this.shownAs : this.capability;
  }

  /** Where it may run, if it is there; else the CPU that it is on. */
  get location(): Location {
    return this.component.locate(this);
  }

  /** Where its activations are. */
  get engine(): ComponentEngine {
    return this.part ?? this.component.engine;
  }

  /** That of its `part` (growth.ts). */
  get partNumber(): number {
    return this.part ? partNumber(this.part.cpu) : 0;
  }

  /** The CPU that it runs on. */
  get cpu(): number {
    return this.part?.cpu ?? this.component.cpu;
  }

  /** The group of a thread that runs on CPU 0. */
  get group(): Group {
    const { engine } = this;
    assert(engine instanceof LocalEngine, "a thread of CPU 0");
    return engine.group;
  }

  /** Where it may run, as its session has placed it. */
  get wanted(): Location {
    return this.#wanted;
  }

  get runnable(): boolean {
    return this.free && this.waiting === undefined && !this.component.native;
  }

  /** Whether nothing but what it waits for keeps it from running. */
  get free(): boolean {
    return this.started && !this.paused && !this.exception && !this.dead;
  }

  /** Whether it is an entrypoint that could serve a call at once. */
  get idle(): boolean {
    if (this.waiting !== SERVE || this.paused || this.exception || this.dead) return false;
    return this.component.home?.mayExecute !== false;
  }

  /** The entrypoint of this thread, made when it is first asked for. */
  get ep(): Entrypoint {
    this.entrypoint ??= new Entrypoint();
    return this.entrypoint;
  }

  // The thread waits and goes on: called by the kernel.

  /** It waits from now on. */
  block(waiting: Waiting, deadlineMs = Infinity): void {
    this.waiting = waiting;
    this.outcome = undefined;
    this.deadlineMs = deadlineMs;
    if (deadlineMs !== Infinity) this.#kernel.scheduler.expect(this, deadlineMs);
  }

  /** Its wait is over. */
  wake(outcome: number | undefined): void {
    this.waiting = undefined;
    this.deadlineMs = Infinity;
    this.outcome = outcome;
    this.#kernel.scheduler.ready(this);
  }

  /** Work has come for an entrypoint. */
  notify(): void {
    this.#kernel.stops.reclaim(this);
    if (this.waiting === SERVE) this.wake(undefined);
    else if (this.waiting?.kind === "wakeup" && this.entrypoint?.wakeup) this.wake(undefined);
  }

  /** It stands still, and an activation of it is wanted no more. */
  drop(activation: Thread): void {
    this.engine.drop(activation);
    this.component.holdings.frames.hold(frameKey(this.partNumber, activation.id), 0);
  }

  /** It has had so much processor time. */
  used(ms: number): void {
    this.usedMs += ms;
    // Whole numbers, so that sums do not depend on where they begin.
    this.virtual += Math.round((ms * 1e6) / this.owner.shareOf(this));
  }

  /** How the last wait ended; asking forgets it. */
  takeOutcome(): number | undefined {
    const { outcome } = this;
    this.outcome = undefined;
    return outcome;
  }

  /** Stops it: a trap, or a step. The handler is told; where there is none, people are. */
  raise(problem: string): void {
    this.exception = true;
    this.exceptions++;
    this.problem = problem;
    const own = objectOf<SignalContext>(this.handler, "signal-context");
    const handler = own ?? objectOf<SignalContext>(this.owner.handler, "signal-context");
    if (handler) handler.submit(1);
    else this.#kernel.warn(`${this.component.label}: thread "${this.name}" is stopped: ${problem}`);
  }

  // The contract.

  utcb(): Capability<Dataspace> {
    return INVALID; // a message buffer is part of the component's memory: there is no dataspace of its own
  }

  start(ip: number, sp: number): void {
    if (this.started || this.dead) return;
    this.started = true;
    const problem = this.component.starts.begin(this, ip, sp);
    if (problem !== undefined) this.raise(problem);
    this.#kernel.scheduler.ready(this);
  }

  pause(): void {
    this.paused = true;
    if (!this.onStack) return;
    this.#kernel.stops.interrupt(this);
    this.#kernel.stops.halt(this);
  }

  resume(): void {
    this.paused = false;
    if (!this.faulted) this.exception = false;
    this.#kernel.scheduler.ready(this);
  }

  cancelBlocking(): void {
    this.#kernel.cancel(this);
  }

  state(): Attempt<ThreadState, "state-access-failed"> {
    return this.#kernel.stops.atRest(this.component, () => this.#state());
  }

  #state(): Attempt<ThreadState, "state-access-failed"> {
    if (this.onStack || !this.capability.valid) return refusal("state-access-failed");
    const saved = saveThread(this, this.#kernel);
    if (saved === undefined) return refusal("state-access-failed");
    const { paused, exception, waiting } = this;
    return success({
      ...innermost(this, saved),
      paused,
      unresolvedPageFault: waiting?.kind === "fault",
      exception,
      saved: saved as SessionState,
    });
  }

  /** As `state`, of which it writes `saved`. @returns false if that cannot be had; what was written is of no use then */
  writeState(to: PlainWriter): boolean {
    // most components are at rest, and a pause asks for each thread
    return this.component.onStack ? this.#writeAtRest(to) : this.#writeState(to);
  }

  #writeAtRest(to: PlainWriter): boolean {
    return this.#kernel.stops.atRest(this.component, () => this.#writeState(to));
  }

  #writeState(to: PlainWriter): boolean {
    if (this.onStack || !this.capability.valid) return false;
    try {
      writeThread(this, this.#kernel, to);
      return true;
    } catch (thrown) {
      if (thrown instanceof EngineFault) return false;
      throw thrown;
    }
  }

  setState(
    { saved }: Pick<ThreadState, "saved">,
    calls: ReadonlyMap<number, number> = new Map(),
    paused = this.paused,
  ): Attempt<void, "state-access-failed" | "out-of-ram"> {
    return this.#kernel.stops.alone(this.component, () => this.#setState(saved, calls, paused));
  }

  #setState(
    saved: ThreadState["saved"],
    calls: ReadonlyMap<number, number>,
    paused: boolean,
  ): Attempt<void, "state-access-failed" | "out-of-ram"> {
    if (this.onStack || !this.capability.valid) return refusal("state-access-failed");
    if (saved === null) {
      this.#kernel.lifetimes.forgetWork(this);
      return success(undefined);
    }
    const refused = loadThread(this, this.#kernel, saved as PlainData, calls);
    if (refused) return refusal(refused);
    this.paused = paused;
    this.#kernel.scheduler.ready(this);
    return success(undefined);
  }

  exceptionSigh(context: Capability<SignalContext>): void {
    this.handler = context;
  }

  singleStep(enabled: boolean): void {
    this.stepping = enabled;
    if (this.onStack) this.#kernel.stops.interrupt(this);
  }

  affinity(location: Location): void {
    this.#wanted = this.owner.place(location);
    const { component } = this;
    if (!component.follows(this)) this.#kernel.moves.order(component);
    else if (component.threads[0] === this) this.#kernel.moves.order(component, this.#wanted);
    else this.#kernel.moves.together(this);
  }

  traceControlIndex(): number {
    return this.owner.traceIndex(this);
  }

  traceBuffer(): Capability<Dataspace> {
    return this.trace?.buffer ?? INVALID;
  }

  tracePolicy(): Capability<Dataspace> {
    return this.trace?.policy ?? INVALID;
  }

  /** What `NativeCpu.threadState` says. */
  nativeState(): NativeThreadState {
    return { activity: this.activity(), waitsFor: waitsFor(this, this.#kernel.calls), exceptions: this.exceptions };
  }

  activity(): NativeThreadState["activity"] {
    this.#kernel.stops.reclaim(this);
    return activityOf(this);
  }

  /** @internal The kernel ends its object: its capability denotes nothing any more. */
  dispose(): void {
    this.#identity.dispose();
    this.owner.ended(this);
  }
}
