// Another CPU as the kernel has it: the threads that are ready for it, and the one that runs there, until it stops.
//
//   idle --work--> running <--request, answer--> ... --done--> idle
//                     '- lingering: its call waits, and it stands in it, until the wait is over or the CPU has other work
//
// I1  A thread that lingers counts as one that is blocked: whoever needs it unwound (a state, another thread) gets that.
// I2  Work and answers are given only while the CPU waits for them.
import { EngineFault, type Thread } from "../../../engine/index.ts";
import { Steps } from "../executor.ts";
import type { Kernel } from "../kernel.ts";
import { KERNEL_LIMITS } from "../limits.ts";
import { ReadyQueue } from "../ready-queue.ts";
import type { ScopeTimes } from "../scopes.ts";
import type { KernelThread } from "../thread.ts";
import { CpuLink } from "./cpu-link.ts";
import { type LineCpu, LineEnds } from "./lines.ts";
import { type NestedCall, Nests } from "./nests.ts";
import { BLOCK, type Command, type CpuBlock, type StartCpu, WORK } from "./protocol.ts";
import type { RemoteEngine } from "./remote-engine.ts";
import { type AskingCpu, RemoteRequests } from "./remote-requests.ts";
import { beginRun, endOf, type Run } from "./remote-run.ts";

/** How the kernel waits for a ring of the door, at most so many milliseconds. */
export type AwaitRing = (ms: number) => void;

export interface RemoteCpuOptions {
  readonly number: number;
  readonly door: SharedArrayBuffer;
  readonly start: StartCpu;
  readonly awaitRing: AwaitRing;
  /** Something there has ended or begun to wait: it may be at rest now. */
  readonly rested: () => void;
  /** A slice has ended there. */
  readonly sliced: () => void;
  /** It has something to do. */
  readonly begun: () => void;
}

export class RemoteCpu extends Steps implements LineCpu, AskingCpu {
  readonly number: number;
  readonly link: CpuLink;
  readonly block: CpuBlock;
  readonly lines: LineEnds;
  readonly nests: Nests;
  /** Threads that are ready for it. */
  readonly queue = new ReadyQueue();
  readonly #kernel: Kernel;
  readonly #words: Int32Array<SharedArrayBuffer>;
  readonly #requests: RemoteRequests;
  readonly #options: RemoteCpuOptions;
  #running: KernelThread | undefined;
  #begin = 0;
  #scope = 0;
  #posted = false;
  #frozen = false;
  /** How many want nothing to run there. */
  #holders = 0;

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
    this.lines = new LineEnds(kernel);
    this.#requests = new RemoteRequests(kernel, this);
  }

  /** Whether something runs there or could: threads whose calls wait do not count. */
  get busy(): boolean {
    const runs = this.#running !== undefined && !this.#requests.lingering;
    return this.link.lost === undefined && (this.queue.size > 0 || runs);
  }

  /** Of the scope that the thread ends in the call that is served; undefined: its beginning is not known. */
  get scopeTimes(): ScopeTimes | undefined {
    const [beginMs, endMs] = this.block.times;
    return Number.isNaN(beginMs) ? undefined : { beginMs: beginMs!, endMs: endMs! };
  }

  /** Whether other threads are ready for it. */
  get contended(): boolean {
    return this.queue.size > 0 || this.#frozen;
  }

  /** Why it is no more. */
  get lost(): string | undefined {
    return this.link.lost;
  }

  get pending(): boolean {
    return this.#requests.pending;
  }

  begun(): void {
    this.#options.begun();
  }

  rested(): void {
    this.#options.rested();
  }

  // Who runs.

  ready(thread: KernelThread): void {
    this.lines.end();
    const { lingering } = this.#requests;
    if (lingering && thread === this.nests.top.thread) return this.#requests.woken(this.held);
    if (!thread.runnable || thread.onStack || this.lost !== undefined) return;
    this.queue.add(thread);
    this.#words[BLOCK.contended] = this.queue.size;
    if (lingering) this.#requests.unwind();
    else this.#pump();
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

  #pump(): void {
    while (!this.#running && !this.#frozen && !this.held && this.link.there) {
      const thread = this.queue.take();
      if (!thread) return;
      this.#words[BLOCK.contended] = this.queue.size;
      if (thread.runnable) this.#enter(thread);
    }
  }

  #enter(thread: KernelThread): void {
    const { component } = thread;
    this.#running = thread;
    this.#begin = this.#kernel.now();
    this.#scope = this.#kernel.ownScopes.beginSlice(thread, this.number);
    this.#words[BLOCK.giveWay] = 0;
    component.enter(thread);
    this.askChanges();
    this.#requests.during(() => this.#advance(thread));
  }

  askChanges(): void {
    const thread = this.#running;
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

  #interrupted({ component }: KernelThread): boolean {
    return component.interrupted || Atomics.load(this.#words, BLOCK.giveWay) !== 0;
  }

  #leave(thread: KernelThread): void {
    this.#leaveCpu(thread);
    if (thread.dead) this.#kernel.lifetimes.endThread(thread);
    thread.used(this.#kernel.now() - this.#begin);
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
    this.#running = undefined;
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
    for (const [index, value] of [engine.number, thread.id, ...params].entries()) this.block.setParam(index, value);
    this.link.give(BLOCK.work, work);
    this.begun();
  }

  // What it asks for, and how a run has ended.

  /** Serves what the CPU asks for, if it does. */
  serve(): void {
    this.#requests.serve();
  }

  /** Whether a call that is made now can be answered within its caller's host call. */
  canNest(caller: KernelThread): boolean {
    return this.#requests.nests(caller);
  }

  /** What a call comes to that has been found to be one. */
  nest(call: NestedCall): void {
    this.#requests.nest(call);
  }

  goOn(run: Run): void {
    const { thread } = run;
    const again = this.#settleRun(run) && !this.#interrupted(thread) && !this.#frozen && !this.held;
    if (again) this.#advance(thread);
    else this.#leave(thread);
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

  /** Somebody wants nothing to run there. */
  get held(): boolean {
    return this.#holders > 0;
  }

  /** Whether a call to a thread here would be dispatched at once. */
  get free(): boolean {
    return !this.#running && !this.contended && !this.held && this.link.there;
  }

  callersLineEnded(args: readonly number[] | undefined): void {
    this.#requests.lineEnded(args);
  }

  /** The line to the server that runs has ended. @param usedMs by its calls @param idle it has answered all of them */
  serversLineEnded(usedMs: number, idle: boolean): void {
    const now = this.#kernel.now();
    this.#begin = Math.max(this.#begin, now - usedMs);
    if (!idle) return;
    const thread = this.#running!;
    this.#leaveCpu(thread);
    thread.used(now - this.#begin);
    if (thread.dead) this.#kernel.lifetimes.endThread(thread);
    else this.#kernel.rpc.nested.idle(thread);
    this.release();
    if (!this.busy) this.rested();
  }

  // Stopping it, and commands.

  freeze(): void {
    this.#frozen = true;
    if (this.#running) this.request();
  }

  resume(): void {
    this.#frozen = false;
    this.#pump();
  }

  /** The thread that runs gives way at its next safe point. */
  request(): void {
    this.lines.end();
    Atomics.store(this.#words, BLOCK.giveWay, 1);
    this.nests.reclaim();
    this.nests.flag();
    if (this.#requests.lingering) this.#requests.unwind();
  }

  /**
   * Waits until the thread that runs has given way: some microseconds, unless the host has no time for the CPU.
   *
   * @returns false if it has not, in time, or because it waits for an answer of the caller
   */
  stop(ms: number = KERNEL_LIMITS.stopMs): boolean {
    this.lines.end();
    if (!this.#running || this.lost !== undefined) return true;
    if (this.#requests.serving) return false;
    this.request();
    const end = performance.now() + ms;
    const { bottom } = this.nests;
    for (let waits = 0; this.nests.bottom === bottom; waits++) {
      if (this.pending) this.#requests.serveStopping();
      else if (waits > 0 && this.link.ended) break;
      else if (performance.now() > end) return false;
      else this.#options.awaitRing(1);
    }
    return true;
  }

  /** Nothing runs there while `body` does, if the thread that runs can be stopped. */
  still<T>(body: () => T): T {
    this.hold();
    try {
      this.stop();
      return body();
    } finally {
      this.release();
    }
  }

  /** Nothing begins to run there. */
  hold(): void {
    this.#holders++;
    this.lines.end();
  }

  release(): void {
    if (--this.#holders > 0) return;
    this.#requests.released();
    this.#pump();
  }

  /** What runs there comes to a safe point, and stays there until `release`; behind `hold`. */
  reachSafePoint(): void {
    const { lingering, serving } = this.#requests;
    if (lingering || serving || this.stop(KERNEL_LIMITS.replyMs)) return;
    this.link.lose(`CPU ${this.number} has not come to a safe point for ${KERNEL_LIMITS.replyMs} ms`);
  }

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
    if (!this.#requests.lingering) this.nests.flag();
  };

  /** It has ended by itself: what was placed there has stopped for good; everything else goes on. */
  #lose(why: string): void {
    this.lines.end();
    const thread = this.#running;
    this.nests.end();
    this.#running = undefined;
    this.#requests.drop();
    if (thread) thread.component.leave(thread);
    while (this.queue.take());
    for (const component of this.#kernel.components) if (component.cpu === this.number) component.lose(why);
    this.rested();
  }
}
