// Another CPU as the kernel has it: the threads that are ready for it, and the one that runs there, until it stops.
//
//   idle --work--> running <--request, answer--> ... --done--> idle
//                     '- lingering: its call waits, and it stands in it, until the wait is over or the CPU has other work
//
// I1  A thread that lingers counts as one that is blocked: whoever needs it unwound (a state, another thread) gets that.
// I2  Work and answers are given only while the CPU waits for them.
import { DISPATCH } from "../../../abi/index.ts";
import { EngineFault, type Thread } from "../../../engine/index.ts";
import { required } from "../../../util/index.ts";
import type { PendingCall } from "../calls.ts";
import type { Kernel } from "../kernel.ts";
import { ReadyQueue } from "../ready-queue.ts";
import type { ScopeTimes } from "../scopes.ts";
import type { KernelThread } from "../thread.ts";
import { CpuLink } from "./cpu-link.ts";
import type { LineCpu } from "./line.ts";
import { LineEnds } from "./lines.ts";
import { type NestedCall, Nests } from "./nests.ts";
import { BLOCK, type Command, type CpuBlock, type StartCpu, WORK } from "./protocol.ts";
import type { RemoteEngine } from "./remote-engine.ts";
import { type AskingCpu, RemoteRequests } from "./remote-requests.ts";
import { beginRun, endOf, type Run, returnedBy } from "./remote-run.ts";
import { StoppableCpu } from "./stoppable-cpu.ts";

/**
 * Told how a dispatch has ended, when nobody is within it any more.
 *
 * @param result undefined: it has frozen, or not returned
 * @param began makes an activation of it in that case, for the number of a call
 */
export type DispatchEnded = (result: number | undefined, began: (role: number) => void) => void;

/** How the kernel waits for a ring of the door, at most so many milliseconds. */
export type AwaitRing = (ms: number) => void;

export interface RemoteCpuOptions {
  readonly number: number;
  readonly door: SharedArrayBuffer;
  readonly start: StartCpu;
  readonly awaitRing: AwaitRing;
  /** Something there has ended or begun to wait: it may be at rest now. */
  readonly rested: () => void;
  /** It is no more: whoever waits for it on another CPU looks again, as it may have been about to ring there. */
  readonly lost: (why: string) => void;
  /** A slice has ended there. */
  readonly sliced: () => void;
  /** It has something to do. */
  readonly begun: () => void;
}

export class RemoteCpu extends StoppableCpu implements LineCpu, AskingCpu {
  readonly number: number;
  readonly link: CpuLink;
  readonly block: CpuBlock;
  readonly lines: LineEnds;
  readonly nests: Nests;
  /** Threads that are ready for it. */
  readonly queue = new ReadyQueue();
  readonly #kernel: Kernel;
  readonly #words: Int32Array<SharedArrayBuffer>;
  protected readonly requests: RemoteRequests;
  readonly #options: RemoteCpuOptions;
  protected running: KernelThread | undefined;
  #begin = 0;
  #scope = 0;
  #posted = false;
  /** Of the call of CPU 0 that is dispatched. */
  #ended: DispatchEnded | undefined;

  constructor(kernel: Kernel, options: RemoteCpuOptions) {
    super(kernel);
    this.#kernel = kernel;
    this.#options = options;
    this.number = options.number;
    const { number, door, start } = options;
    const lost = (why: string) => this.#lose(why);
    this.link = new CpuLink({ number, door, start, lost });
    this.block = this.link.block;
    this.#words = this.block.words;
    this.nests = new Nests(kernel, this.block);
    this.lines = new LineEnds(kernel, this);
    this.requests = new RemoteRequests(kernel, this);
  }

  /** Whether something runs there or could: threads whose calls wait do not count. */
  get busy(): boolean {
    const runs = this.running !== undefined && !this.requests.lingering;
    return this.link.lost === undefined && (this.queue.size > 0 || runs);
  }

  /** Of the scope that the thread ends in the call that is served; undefined: its beginning is not known. */
  get scopeTimes(): ScopeTimes | undefined {
    const [beginMs, endMs] = this.block.times;
    return Number.isNaN(beginMs) ? undefined : { beginMs: beginMs!, endMs: endMs! };
  }

  /** Whether other threads are ready for it. */
  get contended(): boolean {
    return this.queue.size > 0 || this.frozen;
  }

  /** Why it is no more. */
  get lost(): string | undefined {
    return this.link.lost;
  }

  get pending(): boolean {
    return this.requests.pending;
  }

  begun(): void {
    this.#options.begun();
  }

  rested(): void {
    this.#options.rested();
  }

  protected awaitRing(ms: number): void {
    this.#options.awaitRing(ms);
  }

  // Who runs.

  ready(thread: KernelThread): void {
    this.lines.end();
    const { lingering } = this.requests;
    if (lingering && thread === this.nests.top.thread) return this.requests.woken(this.held);
    if (!thread.runnable || thread.onStack || this.lost !== undefined) return;
    this.queue.add(thread);
    this.#words[BLOCK.contended] = this.queue.size;
    if (lingering) this.requests.unwind();
    else this.pump();
  }

  /** Servers that callers here have leased are idle from now on, those that answer will tell. */
  reclaim(): void {
    this.lines.end();
    this.nests.reclaim();
  }

  /** Something that leases depend on may have changed. */
  look(): void {
    this.lines.look();
    this.nests.look();
  }

  protected pump(): void {
    while (!this.running && !this.frozen && !this.held && this.link.there) {
      const thread = this.queue.take();
      if (!thread) return;
      this.#words[BLOCK.contended] = this.queue.size;
      if (thread.runnable) this.#enter(thread);
    }
  }

  #enter(thread: KernelThread): void {
    this.#enterCpu(thread);
    this.requests.during(() => this.#advance(thread));
  }

  #enterCpu(thread: KernelThread): void {
    this.running = thread;
    this.#begin = this.#kernel.now();
    this.#scope = this.#kernel.ownScopes.beginSlice(thread, this.number);
    this.#words[BLOCK.giveWay] = 0;
    thread.component.enter(thread);
    this.askChanges();
  }

  /** A call of CPU 0 is dispatched, and ends with `ended`; the CPU is `free`, the thread waits for nothing. */
  dispatch(thread: KernelThread, object: number, opcode: number, ended: DispatchEnded): void {
    this.#enterCpu(thread);
    this.#ended = ended;
    this.call(thread, 0, DISPATCH.rpc, object, opcode);
  }

  /** That call has become one with a number: its end is that of any other. */
  pends(role: number): void {
    this.#ended = undefined;
    const { bottom } = this.nests;
    if (bottom) bottom.role = role;
  }

  askChanges(): void {
    const thread = this.running;
    if (!thread) return;
    const ask = this.#kernel.everyPoint || thread.stepping || this.nests.stepping;
    Atomics.store(this.#words, BLOCK.ask, ask ? 1 : 0);
    if (!ask) return;
    this.reclaim();
    this.nests.flag();
  }

  /** Lets the thread go on as long as that is over at once; with a run under way it is `goOn` that goes on. */
  #advance(thread: KernelThread): void {
    this.#posted = false;
    while (thread.runnable && this.step(thread) && !this.#interrupted(thread));
    if (!this.#posted) this.#leave(thread);
  }

  #interrupted(thread: KernelThread): boolean {
    return thread.component.interrupted(thread) || Atomics.load(this.#words, BLOCK.giveWay) !== 0;
  }

  #leave(thread: KernelThread, then: () => void = () => {}): void {
    this.#leaveCpu(thread);
    thread.used(this.#kernel.now() - this.#begin);
    then();
    if (thread.dead) this.#kernel.lifetimes.endThread(thread);
    if (thread.runnable) this.queue.add(thread);
    this.#kernel.moves.make();
    this.#words[BLOCK.contended] = this.queue.size;
    this.#options.sliced();
    this.release();
    if (!this.busy) this.rested();
  }

  /** Whatever becomes ready by that waits until `release`. */
  #leaveCpu(thread: KernelThread): void {
    this.#kernel.ownScopes.end(this.#scope, this.number);
    this.hold();
    this.nests.end();
    this.running = undefined;
    thread.component.leave(thread);
  }

  protected go(thread: KernelThread, engine: Thread): boolean {
    this.#post(thread, engine, 0, WORK.run, engine.id);
    return false;
  }

  protected call(thread: KernelThread, role: number, kind: number, object: number, value: number): boolean {
    const { call, argument, message } = thread.entrypoint!.serving!;
    const { instance, function: index } = call.entry;
    const line = this.lines.offered(role);
    const params = [instance, index, argument, kind, object, value, ...line, message];
    this.#post(thread, undefined, role, WORK.dispatch, ...params);
    return false;
  }

  #post(
    thread: KernelThread,
    activation: Thread | undefined,
    role: number,
    work: number,
    ...params: readonly number[]
  ): void {
    const engine = thread.engine as RemoteEngine;
    engine.flush();
    engine.enter(thread);
    this.nests.begin(beginRun(thread, activation, role));
    this.#posted = true;
    this.block.setParam(0, engine.number);
    this.block.setParam(1, thread.id);
    for (let i = 0; i < params.length; i++) this.block.setParam(i + 2, params[i]!);
    this.link.give(BLOCK.work, work);
    this.begun();
  }

  // What it asks for, and how a run has ended.

  /** Serves what the CPU asks for, if it does. */
  serve(): void {
    this.requests.serve();
  }

  /** Whether a call that is made now can be answered within its caller's host call. */
  canNest(caller: KernelThread): boolean {
    return this.requests.nests(caller);
  }

  /** What a call comes to that has been found to be one. */
  nest(call: NestedCall): void {
    this.requests.nest(call);
  }

  goOn(run: Run): void {
    const { thread } = run;
    const ended = this.#ended;
    if (ended) {
      this.#ended = undefined;
      return this.#leave(thread, () => ended(returnedBy(this.block), (role) => this.#became(run, role)));
    }
    const again = this.#settleRun(run) && !this.#interrupted(thread) && !this.frozen && !this.held;
    if (again) this.#advance(thread);
    else this.#leave(thread);
  }

  /** The dispatch of a call that has got a number did not simply return. */
  #became(run: Run, role: number): void {
    run.role = role;
    this.#settleRun(run);
  }

  /** @returns whether the thread can go on at once */
  #settleRun(run: Run): boolean {
    const { thread } = run;
    const end = endOf(run, this.block, () => this.link.takeEnding());
    if (end.kind === "ended") return this.settle(thread, end.image);
    if (end.kind === "deep") {
      this.tooDeep(thread, end.message);
      return false;
    }
    this.returned(thread, run.role, end.result);
    return true;
  }

  // Lines.

  /** Whether a call to a thread here would be dispatched at once. */
  get free(): boolean {
    return !this.running && !this.contended && !this.held && this.link.there;
  }

  callersLineEnded(args: readonly number[] | undefined): void {
    this.requests.lineEnded(args);
  }

  lingersIn(call: PendingCall): readonly (number | bigint)[] | undefined {
    return this.requests.lingersIn(call);
  }

  answersFor(ended: number, call: number): void {
    const { bottom } = this.nests;
    if (bottom?.role === ended) bottom.role = call;
  }

  /** @param usedMs by the calls of the server that runs @param call that it answers; undefined: it is idle */
  serversLinesEnded(usedMs: number, call: number | undefined): void {
    const now = this.#kernel.now();
    this.#begin = Math.max(this.#begin, now - usedMs);
    if (call !== undefined) {
      required(this.nests.bottom, "a run").role = call;
      return;
    }
    const thread = this.running!;
    this.#leaveCpu(thread);
    thread.used(now - this.#begin);
    if (thread.dead) this.#kernel.lifetimes.endThread(thread);
    else this.#kernel.rpc.nested.idle(thread);
    this.release();
    if (!this.busy) this.rested();
  }

  // Commands, and its end.

  /** Lets the CPU do something, in order. */
  tell(command: Command): void {
    this.link.tell(command);
  }

  /**
   * Lets the CPU do something now, and waits for it: it does so where it waits, or at the next poll of what it runs.
   *
   * @throws EngineFault as the function there; "busy" if the CPU is lost
   */
  ask(command: Command): unknown {
    if (this.lost !== undefined) throw new EngineFault("busy", this.lost);
    this.reclaim();
    return this.link.ask(command, this.#flagRuns);
  }

  readonly #flagRuns = (): void => {
    if (!this.requests.lingering) this.nests.flag();
  };

  /** It has ended by itself: what was placed there has stopped for good; everything else goes on. */
  #lose(why: string): void {
    this.lines.end();
    const thread = this.running;
    this.nests.end();
    this.running = this.#ended = undefined;
    this.requests.drop();
    if (thread) thread.component.leave(thread);
    while (this.queue.take());
    for (const component of this.#kernel.components) component.lose(this.number, why);
    this.#options.lost(why);
    this.rested();
  }
}
