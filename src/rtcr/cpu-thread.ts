// The threads that a child sees (spec 2.6). The real thread does the work; what is recorded is what a restore needs to
// make another one.
import type { ObjectInfo, ThreadInfo } from "../checkpoint/index.ts";
import {
  type Capability,
  type CpuThread,
  type Dataspace,
  INVALID,
  type Location,
  type NativeCpu,
  type PdSession,
  type SignalContext,
  type SlotWriter,
  type ThreadOptions,
  type ThreadState,
  WEIGHT,
} from "../session/index.ts";
import { type Attempt, success } from "../util/index.ts";
import { RtcrFault } from "./faults.ts";
import { Front } from "./front.ts";
import type { RecordWriter } from "./record-writer.ts";
import { type ChildContext, type Entry, type SavedRecord, savedRecord } from "./tracked.ts";

/** As a location that a client gives: without an extent it is all that there is. */
export const EVERYWHERE: Location = { x: 0, y: 0, width: 0, height: 0 };

/** The session that a thread is of. */
export interface ThreadSession {
  readonly base: { readonly passedOn: boolean };
  /** Another child serves it. */
  readonly sibling: boolean;
}

/** How a child made a thread. */
export interface MadeThread {
  readonly session: ThreadSession;
  readonly real: Capability<CpuThread>;
  /** As the child named it. */
  readonly pd: Capability<PdSession>;
  readonly options: ThreadOptions;
  /** Whether an exception has stopped the real thread. */
  readonly stopped: () => boolean;
  /** It runs already: another thread has made it by `thread-spawn`. */
  readonly started?: boolean;
}

type ThreadFlags = Pick<ThreadInfo, "started" | "paused" | "singleStep" | "affinity">;

/** Slots for capabilities. */
export interface SavedCpuThread {
  readonly front: number;
  readonly real: number;
  readonly pd: number;
  readonly record: SavedRecord;
  readonly options: {
    readonly name: string;
    readonly affinity?: Location | undefined;
    readonly weight?: number | undefined;
    readonly utcb?: number | undefined;
  };
  readonly started: boolean;
  readonly paused: boolean;
  readonly singleStep: boolean;
  readonly affinity: Location;
  readonly handler: number;
}

export class RtcrCpuThread implements CpuThread, Entry {
  readonly kind = "cpu-thread";
  /** Of `Tracked`. */
  place = 0;
  readonly capability: Capability<CpuThread>;
  readonly real: Capability<CpuThread>;
  readonly #front: Front<CpuThread>;
  readonly #info: ObjectInfo;
  readonly #pd: Capability<PdSession>;
  readonly #session: ThreadSession;
  /** What another child has of this thread, which is passed on to it. */
  #passedOnTo: RtcrCpuThread | undefined;
  readonly #stopped: () => boolean;
  readonly #options: ThreadOptions;
  #started = false;
  #startedAt = 0;
  #paused = false;
  #singleStep = false;
  #affinity: Location;
  #handler: Capability<SignalContext> = INVALID;

  constructor(context: ChildContext, { session, real, pd, options, stopped, started = false }: MadeThread) {
    this.#session = session;
    this.real = real;
    const { object } = real;
    if (session.sibling && object instanceof RtcrCpuThread) object.#passedOnTo = this;
    this.#pd = pd;
    this.#options = options;
    this.#stopped = stopped;
    this.#started = started;
    this.#affinity = options.affinity ?? EVERYWHERE;
    this.#front = new Front<CpuThread>(context, this, real);
    this.capability = this.#front.capability;
    this.#info = context.record(this.capability.badge);
  }

  get #thread(): CpuThread {
    return this.#front.object;
  }

  /** What the kernel follows to the thread that runs. */
  get native(): Capability<CpuThread> {
    return this.real;
  }

  /** The PD that it runs in, as the child names it. */
  get pd(): Capability<PdSession> {
    return this.#pd;
  }

  /** Where it may run, as the child has said. */
  get wanted(): Location {
    return this.#affinity;
  }

  get allocated(): number {
    return this.#info.allocated;
  }

  get name(): string {
    return this.#options.name;
  }

  utcb(): Capability<Dataspace> {
    return this.#thread.utcb();
  }

  /** The stack pointer that it began with; 0: it had to find one, or began before the supervisor was restored. */
  get startedAt(): number {
    return this.#startedAt;
  }

  start(ip: number, sp: number): void {
    this.#started = true;
    this.#startedAt = sp;
    this.#thread.start(ip, sp);
  }

  pause(): void {
    this.#paused = true;
    this.#thread.pause();
  }

  resume(): void {
    this.#paused = false;
    this.#thread.resume();
  }

  cancelBlocking(): void {
    this.#thread.cancelBlocking();
  }

  state(): Attempt<ThreadState, "state-access-failed"> {
    return this.#thread.state();
  }

  setState(
    state: Pick<ThreadState, "saved">,
    calls?: ReadonlyMap<number, number>,
    paused?: boolean,
  ): Attempt<void, "state-access-failed" | "out-of-ram"> {
    return this.#thread.setState(state, calls, paused);
  }

  exceptionSigh(context: Capability<SignalContext>): void {
    this.#handler = context;
    this.#thread.exceptionSigh(context);
  }

  singleStep(enabled: boolean): void {
    this.#singleStep = enabled;
    this.#thread.singleStep(enabled);
  }

  affinity(location: Location): void {
    this.#affinity = location;
    this.#thread.affinity(location);
  }

  traceControlIndex(): number {
    return this.#thread.traceControlIndex();
  }

  traceBuffer(): Capability<Dataspace> {
    return this.#thread.traceBuffer();
  }

  tracePolicy(): Capability<Dataspace> {
    return this.#thread.tracePolicy();
  }

  /** What it stands before, if that is one of ours: another child has made it, and passes it on. */
  get #passedOn(): RtcrCpuThread | undefined {
    const { object } = this.real;
    return object instanceof RtcrCpuThread ? object : undefined;
  }

  /** By the checkpoint that is being taken: the child that has it is not in that. It ends with that one. */
  get left(): boolean {
    const to = this.#passedOnTo;
    return to?.capability.valid === true && (!to.#session.base.passedOn || to.left);
  }

  /** Stops the thread for a checkpoint, whatever the child has asked for. What an exception has stopped stands already. */
  hold(): void {
    const passedOn = this.#passedOn;
    if (passedOn) passedOn.hold();
    else if (!this.#stopped()) this.#thread.pause();
  }

  /** Ends `hold`: a thread that a child has paused stays so, and one that an exception has stopped: `resume` ends both. */
  release(): void {
    const passedOn = this.#passedOn;
    if (passedOn) passedOn.release();
    else if (!this.#paused && !this.#stopped()) this.#thread.resume();
  }

  /**
   * @param passedOn what it stands before is recorded with another child
   * @throws RtcrFault "unsaveable" if something on its stack has no saved form
   */
  checkpoint(records: RecordWriter, native: NativeCpu, passedOn: boolean): void {
    const { name, weight = WEIGHT.default, utcb = 0 } = this.#options;
    records.object(this.#info);
    records.behind(passedOn, this.real);
    records.number(native.nativeCap(this.real).badge); // the kernel's thread, as calls name it
    records.number(this.#pd.badge);
    records.text(name);
    records.number(weight);
    records.number(utcb);
    records.flag(this.#started);
    records.flag(this.#paused);
    records.flag(this.#singleStep);
    records.place(this.#affinity);
    records.badge(this.#handler);
    records.number(this.#started ? native.stackPointer(this.real) : 0);
    if (passedOn) return;
    if (!this.#started) records.plain(null);
    else if (!native.writeState(this.real, records)) {
      throw new RtcrFault("unsaveable", `thread "${name}" holds what has no saved form`, { name });
    }
    native.writePlace(this.real, records);
  }

  /** Takes up what was recorded of a thread that this one stands for; it goes on when it is released. */
  restore(
    info: ThreadInfo,
    handler: Capability<SignalContext>,
    calls: ReadonlyMap<number, number>,
  ): ReturnType<CpuThread["setState"]> {
    this.#started = info.started;
    if (handler !== this.#handler) this.exceptionSigh(handler);
    if (info.singleStep !== this.#singleStep) this.singleStep(info.singleStep);
    if (!sameLocation(info.affinity, this.#affinity)) this.affinity(info.affinity);
    this.#paused = info.paused;
    if (!info.started) return success(undefined);
    const taken = this.#thread.setState({ saved: info.state }, calls);
    if (!this.#stopped() || info.paused) return taken;
    return this.#thread.setState({ saved: info.state }, calls, false); // `release` would end the exception with the hold
  }

  /** What was recorded, where the thread behind it is as it was, or will be. */
  takeUp({ started, paused, singleStep, affinity }: ThreadFlags, handler: Capability<SignalContext>): void {
    this.#started = started;
    this.#paused = paused;
    this.#singleStep = singleStep;
    this.#affinity = affinity;
    this.#handler = handler;
  }

  capture(slots: SlotWriter): SavedCpuThread {
    return {
      ...{ front: slots.served(this.capability), real: slots.held(this.real), pd: slots.held(this.#pd) },
      ...{ record: savedRecord(this.#info), options: this.#options, handler: slots.held(this.#handler) },
      ...{ started: this.#started, paused: this.#paused, singleStep: this.#singleStep, affinity: this.#affinity },
    };
  }

  /** Nothing is left of what it did: it will take up a record. */
  clear(): void {
    this.#thread.setState({ saved: null });
  }

  dispose(): void {
    this.#front.dispose();
  }
}

function sameLocation(one: Location, other: Location): boolean {
  return one.x === other.x && one.y === other.y && one.width === other.width && one.height === other.height;
}
