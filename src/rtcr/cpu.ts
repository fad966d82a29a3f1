// The CPU session that a child sees, and its Native_cpu, which gives the real thread for ours (spec 2.5, S29).
import {
  type CallState,
  type Capability,
  type CpuSession,
  type CpuThread,
  type Dataspace,
  INVALID,
  type Location,
  type NativeCpu,
  type NativeThreadState,
  type OutOf,
  objectOf,
  type PdSession,
  type SignalContext,
  type SlotReader,
  type SlotWriter,
  type SpawnWatcher,
  type ThreadOptions,
  type ThreadPlace,
} from "../session/index.ts";
import { type Attempt, type PlainWriter, success } from "../util/index.ts";
import { EVERYWHERE, type MadeThread, RtcrCpuThread, type SavedCpuThread } from "./cpu-thread.ts";
import { Front } from "./front.ts";
import { Listing } from "./listing.ts";
import type { RecordWriter } from "./record-writer.ts";
import { type Made, type Opened, type Resumable, type Resuming, SessionBase } from "./session.ts";
import { type ChildContext, Tracked } from "./tracked.ts";

/** Slots for capabilities. */
interface SavedCpu {
  readonly threads: readonly SavedCpuThread[];
  readonly handler: number;
  readonly account: number;
}

function hold(thread: RtcrCpuThread): void {
  thread.hold();
}

function release(thread: RtcrCpuThread): void {
  thread.release();
}

export class RtcrCpu implements CpuSession, Resumable<SavedCpu> {
  readonly kind = "cpu";
  readonly base: SessionBase<CpuSession>;
  readonly threads = new Tracked<RtcrCpuThread>();
  readonly #context: ChildContext;
  readonly #native: RtcrNativeCpu;
  readonly #affinity: Location | undefined;
  #running: string | undefined;
  readonly #lookForRunning = ({ real, name }: RtcrCpuThread) => {
    if (this.#running === undefined && this.#activity(real) === "running") this.#running = name;
  };
  readonly #listing = new Listing<RtcrCpuThread>((records, thread) => {
    const there = thread.capability.valid && !thread.left;
    if (there) thread.checkpoint(records, this.#realNative, this.base.passedOn);
    return there;
  });
  /** Another child serves it. */
  readonly sibling: boolean;
  readonly #spawned: SpawnWatcher = (real, starter, like) => this.#hearSpawned(real, starter, like);
  #handler: Capability<SignalContext> = INVALID;
  #account: Capability<CpuSession> = INVALID;
  #watching: Capability<SignalContext> = INVALID;

  constructor(context: ChildContext, opened: Opened<CpuSession>) {
    this.#context = context;
    this.#affinity = opened.affinity;
    this.sibling = opened.sibling ?? false;
    this.base = new SessionBase<CpuSession>(context, this, opened);
    const [native = this.#cpu.nativeCpu()] = opened.behind ?? [];
    this.#native = new RtcrNativeCpu(context, native as Capability<NativeCpu>);
    this.#realNative.watchSpawned(this.#spawned);
  }

  get #cpu(): CpuSession {
    return this.base.object;
  }

  createThread(
    pd: Capability<PdSession>,
    options: ThreadOptions,
  ): Attempt<Capability<CpuThread>, "thread-creation-failed" | OutOf> {
    // A sibling's thread is recorded with the sibling, by what we know.
    const created = this.#cpu.createThread(this.sibling ? pd : this.#context.fronts.real(pd), options);
    return created.ok ? success(this.takeIn(created.value, pd, options).capability) : created;
  }

  /** A thread that the service has made for the child. */
  takeIn(real: Capability<CpuThread>, pd: Capability<PdSession>, options: ThreadOptions): RtcrCpuThread {
    const thread = new RtcrCpuThread(this.#context, { ...this.#made(real), pd, options });
    this.threads.add(thread);
    this.#realNative.shownAs(real, thread.capability);
    return thread;
  }

  #made(real: Capability<CpuThread>): Pick<MadeThread, "session" | "real" | "stopped"> {
    return { session: this, real, stopped: () => this.#stands(real) };
  }

  /** A thread of the child has made another one without us (`thread-spawn`): it is tracked like those made here. */
  #hearSpawned(real: Capability<CpuThread>, starter: Capability<CpuThread>, like: ThreadOptions): void {
    const from = [...this.threads].find((thread) => thread.real === starter);
    if (!from) return;
    const options = { ...like, affinity: from.wanted };
    const thread = new RtcrCpuThread(this.#context, { ...this.#made(real), pd: from.pd, options, started: true });
    this.threads.add(thread);
    this.#native.spawned(thread.capability, from.capability, options);
  }

  killThread(thread: Capability<CpuThread>): void {
    const ours = this.threads.remove(thread);
    this.#cpu.killThread(ours?.real ?? thread);
    ours?.dispose();
  }

  exceptionSigh(context: Capability<SignalContext>): void {
    this.#handler = context;
    if (!this.#watching.valid) this.#cpu.exceptionSigh(context);
  }

  /** Threads that stop by an exception are told to `context` instead of the child; INVALID: no longer. */
  watch(context: Capability<SignalContext>): void {
    this.#watching = context;
    this.#cpu.exceptionSigh(context.valid ? context : this.#handler);
  }

  /** The first thread that an exception has stopped, for people; empty: there is none. */
  stopped(): string {
    for (const { real, name } of this.threads) if (this.#stands(real)) return `thread "${name}"`;
    return "";
  }

  /** What its threads do, for people: `thread "ep" is ready, thread "x" is blocked in page fault at 0x1000`. */
  doing(): string {
    const native = objectOf<NativeCpu>(this.#native.real, "native-cpu");
    const all = [...this.threads].map(({ real, name }) => {
      const state = native?.threadState(real);
      const { activity = "dead", waitsFor = "" } = state?.ok ? state.value : {};
      return `thread "${name}" is ${activity}${waitsFor === "" ? "" : ` in ${waitsFor}`}`;
    });
    return all.join(", ") || "it has no thread";
  }

  /** The name of a thread that runs now; undefined: none does. */
  running(): string | undefined {
    this.#running = undefined;
    this.threads.each(this.#lookForRunning);
    return this.#running;
  }

  /** Stops its threads for a checkpoint. */
  hold(): void {
    this.threads.each(hold);
  }

  /** Ends `hold`. */
  release(): void {
    this.threads.each(release);
  }

  #stands(thread: Capability<CpuThread>): boolean {
    return this.#activity(thread) === "faulted";
  }

  #activity(thread: Capability<CpuThread>): string | undefined {
    return objectOf<NativeCpu>(this.#native.real, "native-cpu")?.activity(thread);
  }

  affinitySpace(): { readonly width: number; readonly height: number } {
    return this.#cpu.affinitySpace();
  }

  traceControl(): Capability<Dataspace> {
    return this.#cpu.traceControl();
  }

  refAccount(cpu: Capability<CpuSession>): number {
    const result = this.#cpu.refAccount(this.sibling ? cpu : this.#context.fronts.real(cpu));
    if (result === 0) this.#account = cpu;
    return result;
  }

  transferQuota(cpu: Capability<CpuSession>, amount: number): number {
    return this.#cpu.transferQuota(this.#context.fronts.real(cpu), amount);
  }

  quota(): { readonly superPeriodUs: number; readonly us: number } {
    return this.#cpu.quota();
  }

  nativeCpu(): Capability<NativeCpu> {
    return this.#native.capability;
  }

  /** @throws RtcrFault "unsaveable" */
  checkpoint(records: RecordWriter): void {
    this.base.checkpoint(records);
    records.number(this.#native.capability.badge);
    records.behind(this.base.passedOn, this.#native.real);
    records.badge(this.#handler);
    this.threads.checkpoint(records, this.#listing);
  }

  /** A session beside the environment's. */
  checkpointFurther(records: RecordWriter): void {
    this.checkpoint(records);
    records.badge(this.#account);
    records.number(this.base.passedOn ? 0 : this.quota().us); // who passes it on would count that
    records.place(this.#affinity ?? EVERYWHERE);
  }

  /** Visits calls under way that its threads make or serve. */
  eachCall(visit: (call: CallState) => void): void {
    this.#realNative.eachCall(visit);
  }

  /** The kernel's thread behind one of ours, whoever else stands between: what calls name. */
  nativeOf({ real }: RtcrCpuThread): Capability<CpuThread> {
    return this.#realNative.nativeCap(real);
  }

  /** Recreates a call under way, by the real capabilities. @returns its number */
  adoptCall(call: CallState): number {
    return this.#realNative.adoptCall(call);
  }

  /** Gives a thread its place among those that can run; without one it has that of a new thread. */
  setPlace({ real }: RtcrCpuThread, place: ThreadPlace | undefined): void {
    if (place) this.#realNative.setPlace(real, place);
  }

  get #realNative(): NativeCpu {
    return this.#native.object;
  }

  get made(): Made {
    const { fronts, records } = this.base.made;
    return { fronts: [...fronts, this.#native.capability], records, behind: [this.#native.real] };
  }

  capture(slots: SlotWriter): SavedCpu {
    return {
      threads: Array.from(this.threads, (thread) => thread.capture(slots)),
      handler: slots.held(this.#handler),
      account: slots.held(this.#account),
    };
  }

  resume({ threads, handler, account }: SavedCpu, { slots }: Resuming): void {
    this.#handler = slots.held<SignalContext>(handler);
    this.#account = slots.held<CpuSession>(account, "cpu");
    for (const thread of threads) this.#resumeThread(thread, slots);
  }

  #resumeThread(saved: SavedCpuThread, slots: SlotReader): void {
    const real = slots.held<CpuThread>(saved.real, "cpu-thread");
    const options = saved.options as ThreadOptions;
    const made = { ...this.#made(real), pd: slots.held<PdSession>(saved.pd, "pd"), options };
    const fronts = { fronts: [saved.front], records: [saved.record] };
    const thread = this.#context.again(slots, fronts, () => new RtcrCpuThread(this.#context, made));
    thread.takeUp(saved, slots.held<SignalContext>(saved.handler));
    this.threads.add(thread);
    this.#realNative.shownAs(real, thread.capability);
  }

  /** What was recorded of one that is passed on: the session behind it has its handler by itself. */
  takeUp(handler: Capability<SignalContext>, account: Capability<CpuSession>): void {
    this.#handler = handler;
    this.#account = account;
  }

  dispose(): void {
    const { object } = this.#native.real;
    if (object instanceof RtcrNativeCpu) object.unwatch(this.#spawned);
    for (const thread of this.threads) thread.dispose();
    this.#native.dispose();
    this.base.dispose();
  }
}

class RtcrNativeCpu implements NativeCpu {
  readonly kind = "native-cpu";
  readonly capability: Capability<NativeCpu>;
  readonly real: Capability<NativeCpu>;
  /** Interposers in front of this one. */
  readonly #watchers = new Set<SpawnWatcher>();
  readonly #context: ChildContext;
  readonly #front: Front<NativeCpu>;

  constructor(context: ChildContext, real: Capability<NativeCpu>) {
    this.#context = context;
    this.real = real;
    this.#front = new Front<NativeCpu>(context, this, real);
    this.capability = this.#front.capability;
  }

  /** What it stands before. */
  get object(): NativeCpu {
    return this.#front.object;
  }

  nativeCap(thread: Capability<CpuThread>): Capability<CpuThread> {
    const real = this.#context.fronts.real(thread);
    return objectOf<NativeCpu>(this.real, "native-cpu")?.nativeCap(real) ?? INVALID;
  }

  threadState(thread: Capability<CpuThread>): Attempt<NativeThreadState, "state-access-failed"> {
    return this.object.threadState(this.#context.fronts.real(thread));
  }

  shownAs(thread: Capability<CpuThread>, as: Capability<CpuThread>): void {
    this.object.shownAs(this.#context.fronts.real(thread), as);
  }

  activity(thread: Capability<CpuThread>): NativeThreadState["activity"] | undefined {
    return this.object.activity(this.#context.fronts.real(thread));
  }

  writeState(thread: Capability<CpuThread>, to: PlainWriter): boolean {
    return this.object.writeState(this.#context.fronts.real(thread), to);
  }

  stackPointer(thread: Capability<CpuThread>): number {
    return this.object.stackPointer(this.#context.fronts.real(thread));
  }

  eachCall(visit: (call: CallState) => void): void {
    this.object.eachCall(visit);
  }

  adoptCall(call: CallState): number {
    return this.object.adoptCall(call);
  }

  watchSpawned(watcher: SpawnWatcher): void {
    this.#watchers.add(watcher);
  }

  unwatch(watcher: SpawnWatcher): void {
    this.#watchers.delete(watcher);
  }

  /** Tells those in front of this one. */
  spawned(...spawned: Parameters<SpawnWatcher>): void {
    for (const watcher of this.#watchers) watcher(...spawned);
  }

  writePlace(thread: Capability<CpuThread>, to: PlainWriter): void {
    this.object.writePlace(this.#context.fronts.real(thread), to);
  }

  setPlace(thread: Capability<CpuThread>, place: ThreadPlace): void {
    this.object.setPlace(this.#context.fronts.real(thread), place);
  }

  dispose(): void {
    this.#front.dispose();
  }
}
