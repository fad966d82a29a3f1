// Another CPU as the kernel has it: the threads that are ready for it, the one that runs there, and what that asks for.
//
//   idle --work--> running <--request, answer--> ... --done--> idle
//                     '- lingering: its call waits, and it stands in it, until the wait is over or the CPU has other work
//
// I1  A thread that lingers counts as one that is blocked: whoever needs it unwound (a state, another thread) gets that.
// I2  Work and answers are given only while the CPU waits for them.
//
// Above 400 lines: whatever happens to a CPU, a request, a wait that ends, a command, a loss, moves the same state of the
// diagram, and must see it whole. What a run is, how it ends, how a call is made and nested have files of their own.
import { type HostFunction, KERNEL_IMPORTS, KERNEL_MODULE, type PlainData } from "../../../abi/index.ts";
import { EngineFault, type Thread } from "../../../engine/index.ts";
import { Steps } from "../executor.ts";
import type { Kernel } from "../kernel.ts";
import { KERNEL_LIMITS } from "../limits.ts";
import { SPAWN, WASI } from "../program.ts";
import { ReadyQueue } from "../ready-queue.ts";
import type { ScopeTimes } from "../scopes.ts";
import type { KernelThread } from "../thread.ts";
import { Commands, ring, valueIn } from "./commands.ts";
import { type LineCpu, LineEnds } from "./lines.ts";
import { type NestedCall, Nests } from "./nests.ts";
import {
  ANSWER,
  BLOCK,
  BLOCK_BYTES,
  type Command,
  CpuBlock,
  ENDED,
  GROWTH,
  HOST_ROOM,
  NESTED,
  REQUEST,
  type StartCpu,
  type StartedCpu,
  WORK,
} from "./protocol.ts";
import { atomicWait, type CallOutcome, growMemory, makeCall, outcomeOf, quickCall } from "./remote-call.ts";
import type { RemoteEngine } from "./remote-engine.ts";
import { beginRun, endOf, type Run, writeOutcome } from "./remote-run.ts";

/** A call of a thread that stands in it until its wait is over. */
interface Lingering {
  readonly host: HostFunction;
  readonly args: readonly (number | bigint)[];
  readonly type: string | undefined;
  progress: PlainData | undefined;
}

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

export class RemoteCpu extends Steps implements LineCpu {
  readonly number: number;
  readonly lines: LineEnds;
  readonly #kernel: Kernel;
  readonly block: CpuBlock;
  readonly #words: Int32Array<SharedArrayBuffer>;
  readonly #port: StartedCpu;
  readonly #commands: Commands;
  readonly #options: RemoteCpuOptions;
  readonly #queue = new ReadyQueue();
  readonly #nests: Nests;
  #running: KernelThread | undefined;
  #begin = 0;
  #scope = 0;
  #lingering: Lingering | undefined;
  /** The kernel does something for the thread that runs. */
  #serving = false;
  /** What that thread has asked for is a call that is to be nested. */
  #nest: NestedCall | undefined;
  #posted = false;
  #frozen = false;
  /** How many want nothing to run there. */
  #holders = 0;
  /** The wait of the call that lingers has ended meanwhile. */
  #again = false;
  #lost: string | undefined;
  #closed = false;

  constructor(kernel: Kernel, options: RemoteCpuOptions) {
    super(kernel);
    this.#kernel = kernel;
    this.#options = options;
    this.number = options.number;
    const block = new SharedArrayBuffer(BLOCK_BYTES);
    this.block = new CpuBlock(block);
    this.#words = this.block.words;
    this.#nests = new Nests(kernel, this.block);
    this.lines = new LineEnds(kernel);
    const setup = { number: this.number, block, door: options.door, originMs: performance.timeOrigin };
    this.#port = options.start(setup, (why) => {
      this.#lose(why);
      this.lines.giveBack();
    });
    this.#commands = new Commands(this.#port, this.#words);
  }

  /** Whether something runs there or could: threads whose calls wait do not count. */
  get busy(): boolean {
    return !this.#lost && (this.#queue.size > 0 || (this.#running !== undefined && !this.#lingering));
  }

  /** Of the scope that the thread ends in the call that is served; undefined: its beginning is not known. */
  get scopeTimes(): ScopeTimes | undefined {
    const [beginMs, endMs] = this.block.times;
    return Number.isNaN(beginMs) ? undefined : { beginMs: beginMs!, endMs: endMs! };
  }

  /** Threads that are ready for it. */
  get queue(): ReadyQueue {
    return this.#queue;
  }

  /** Whether other threads are ready for it. */
  get contended(): boolean {
    return this.#queue.size > 0 || this.#frozen;
  }

  /** Why it is no more. */
  get lost(): string | undefined {
    return this.#lost;
  }

  get pending(): boolean {
    return Atomics.load(this.#words, BLOCK.request) !== REQUEST.none;
  }

  // Who runs.

  ready(thread: KernelThread): void {
    this.lines.end();
    if (this.#lingering && thread === this.#nests.top.thread) {
      if (this.#holders === 0) return this.#callAgain();
      this.#again = true;
      return;
    }
    if (!thread.runnable || thread.onStack || this.#lost) return;
    this.#queue.add(thread);
    this.#words[BLOCK.contended] = this.#queue.size;
    if (this.#lingering) this.#unwind();
    else this.#pump();
  }

  /** Servers that callers here have leased are idle from now on, those that answer will tell. */
  reclaim(): void {
    this.lines.end();
    this.#nests.reclaim();
  }

  /** Something that leases depend on may have changed. */
  look(): void {
    this.lines.look();
    this.#nests.look();
  }

  freeze(): void {
    this.#frozen = true;
    if (this.#running) this.request();
  }

  resume(): void {
    this.#frozen = false;
    this.#pump();
  }

  close(): void {
    this.#closed = true;
    this.#port.terminate();
  }

  keepAlive(alive: boolean): void {
    this.#port.keepAlive(alive);
  }

  #pump(): void {
    while (!this.#running && !this.#frozen && this.#holders === 0 && !this.#closed && !this.#lost) {
      const thread = this.#queue.take();
      if (!thread) return;
      this.#words[BLOCK.contended] = this.#queue.size;
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
    this.#serving = true;
    this.#advance(thread);
    this.#serving = false;
  }

  askChanges(): void {
    const thread = this.#running;
    if (!thread) return;
    const ask = this.#kernel.everyPoint || thread.stepping || this.#nests.stepping;
    Atomics.store(this.#words, BLOCK.ask, ask ? 1 : 0);
    if (!ask) return;
    this.reclaim();
    this.#nests.flag();
  }

  /** Lets the thread go on as long as that is over at once; with a run under way it is `#ended` that goes on. */
  #advance(thread: KernelThread): void {
    this.#posted = false;
    while (thread.runnable && this.step(thread) && !this.#interrupted(thread));
    if (!this.#posted) this.#leave(thread);
  }

  #interrupted({ component }: KernelThread): boolean {
    return component.interrupted || Atomics.load(this.#words, BLOCK.giveWay) !== 0;
  }

  #leave(thread: KernelThread): void {
    this.#kernel.ownScopes.end(this.#scope, this.number);
    this.hold(); // whatever becomes ready by that waits until it has left
    this.#nests.end();
    this.#running = undefined;
    thread.component.leave(thread);
    if (thread.dead) this.#kernel.lifetimes.endThread(thread);
    thread.used(this.#kernel.now() - this.#begin);
    if (thread.runnable) this.#queue.add(thread);
    this.#kernel.moves.make();
    this.#words[BLOCK.contended] = this.#queue.size;
    this.#options.sliced();
    this.release();
    if (!this.busy) this.#options.rested();
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
    const { component } = thread;
    const engine = component.engine as RemoteEngine;
    engine.flush();
    engine.enter(thread);
    this.#nests.begin(beginRun(thread, activation, role));
    this.#posted = true;
    for (const [index, value] of [engine.number, thread.id, ...params].entries()) this.block.setParam(index, value);
    this.#give(BLOCK.work, work);
    this.#options.begun();
  }

  /** @param word of BLOCK, with work or an answer */
  #give(word: number, value: number): void {
    const words = this.#words;
    Atomics.store(words, BLOCK.before, Atomics.load(words, BLOCK.commands));
    Atomics.store(words, word, value);
    ring(this.#words);
  }

  // Requests.

  /** Serves what the CPU asks for, if it does. */
  serve(): void {
    const request = Atomics.load(this.#words, BLOCK.request);
    if (request === REQUEST.none || this.#serving) return;
    Atomics.store(this.#words, BLOCK.request, REQUEST.none);
    this.#serving = true;
    try {
      this.lines.asks(request === REQUEST.done);
      const run = this.#nests.asking;
      if (request === REQUEST.done) this.#goOn(run);
      else this.#serveRequest(request, run);
    } finally {
      this.#serving = false;
    }
  }

  #serveRequest(request: number, run: Run): void {
    const block = this.block;
    switch (request) {
      case REQUEST.host:
        return this.#serveHost(run);
      case REQUEST.nested:
        return this.#endNested();
      case REQUEST.poll:
        block.setParam(0, this.#kernel.stops.givesWay(run.component) ? 1 : 0);
        return this.#answer(ANSWER.result);
      case REQUEST.grow:
        block.setParam(0, GROWTH.indexOf(growMemory(run.component, block.param(0), block.numbers[0]!)));
        return this.#answer(ANSWER.result);
      case REQUEST.wait:
        atomicWait(run.component, block);
        return this.#answer(ANSWER.result);
    }
  }

  #serveHost(run: Run): void {
    const place = this.block.param(0);
    const progress = this.block.param(1) === 0 ? undefined : run.progress;
    const { module, name, signature } = run.component.program.info.imports[place]!;
    const host = run.component.hostFunction(module, name);
    const { params, results } = signature!;
    const args = params.map((type, index) => this.block.value(index, type));
    run.wakes = run.component.wakes;
    const quick = progress === undefined ? quickCall(host, args) : undefined;
    if (this.#nest) return this.#beginNested();
    const outcome = quick ?? makeCall(run.component, host, args, progress);
    this.#finish(run, outcome, { host, args, type: results[0] }, module);
  }

  /** A host call has come so far; it lingers, or its thread goes on. */
  #finish(run: Run, outcome: CallOutcome, call: Omit<Lingering, "progress">, module: string): void {
    if (outcome.kind === "freeze" && this.#mayLinger(run, module)) {
      this.#lingering = { ...call, progress: outcome.progress };
      this.lines.begin(run.thread, call.args);
      this.#options.rested();
    } else this.#answer(writeOutcome(run, outcome, call.type, this.block));
  }

  /** Whether a call that is made now can be answered within its caller's host call. */
  nests(caller: KernelThread): boolean {
    if (!this.#serving || this.#nests.depth >= KERNEL_LIMITS.nesting) return false;
    return this.block.param(HOST_ROOM) !== 0 && this.#nests.top.thread === caller;
  }

  /** What a call comes to that has been found to be one. */
  nest(call: NestedCall): void {
    this.#nest = call;
  }

  #beginNested(): void {
    const call = this.#nest!;
    this.#nest = undefined;
    this.#nests.nest(call, this.#words[BLOCK.ask] === 0);
    this.askChanges();
    if (this.#words[BLOCK.giveWay] !== 0) this.#nests.flag();
    this.#answer(ANSWER.nest);
  }

  /** A nested dispatch has ended: its caller goes on, or gives way. */
  #endNested(): void {
    const run = this.#nests.ended();
    const { caller } = run.call;
    const [opcode, message] = [this.block.param(NESTED), this.block.param(NESTED + 1) >>> 0];
    const returned = this.block.param(0) === ENDED.returned ? this.block.param(1) : undefined;
    const status = this.#kernel.rpc.nested.ended({ ...run.call, opcode, message }, returned, (role) => {
      run.role = role;
      const end = endOf(run, this.block, () => this.#commands.takeEnding());
      if (end.kind === "ended") this.settle(run.thread, end.image);
    });
    const host = caller.component.hostFunction(KERNEL_MODULE, KERNEL_IMPORTS.call);
    const call = { host, args: [run.call.slot, opcode, message], type: "i32" };
    this.#finish(this.#nests.top, outcomeOf(caller, status), call, KERNEL_MODULE);
  }

  /** Only calls of the kernel: what they wait for is kernel state, and asking again has no effect. */
  #mayLinger({ thread }: Run, module: string): boolean {
    if (module === WASI || module === SPAWN.module) return false;
    const { kind } = thread.waiting ?? {};
    if (kind !== "call" && kind !== "futex") return false;
    const stopped = thread.paused || thread.exception || thread.dead || thread.stepping;
    return !stopped && !this.contended && this.#words[BLOCK.ask] === 0 && this.#words[BLOCK.giveWay] === 0;
  }

  #answer(answer: number): void {
    this.#nests.flush();
    this.look();
    this.#give(BLOCK.answer, answer);
    this.#options.begun();
  }

  /** The wait of the call that lingers is over. */
  #callAgain(): void {
    const { host, args, type, progress } = this.#lingering!;
    const run = this.#nests.top;
    if (!run.thread.runnable) return this.#unwind();
    const outcome = makeCall(run.component, host, args, progress);
    if (outcome.kind === "freeze" && run.thread.waiting && this.#mayLinger(run, "")) {
      this.#lingering!.progress = outcome.progress;
      return;
    }
    this.#lingering = undefined;
    this.#answer(writeOutcome(run, outcome, type, this.block));
  }

  /** The call that lingers gives way. */
  #unwind(): void {
    const { progress, type } = this.#lingering!;
    this.#lingering = undefined;
    const outcome = { kind: "freeze", progress, parked: undefined } as const;
    this.#answer(writeOutcome(this.#nests.top, outcome, type, this.block));
  }

  // How a run has ended.

  #goOn(run: Run): void {
    const { thread } = run;
    const again = this.#settleRun(run) && !this.#interrupted(thread) && !this.#frozen && this.#holders === 0;
    if (again) this.#advance(thread);
    else this.#leave(thread);
  }

  /** @returns whether the thread can go on at once */
  #settleRun(run: Run): boolean {
    const { thread } = run;
    const end = endOf(run, this.block, () => this.#commands.takeEnding());
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
    return !this.#running && !this.contended && !this.held && !this.#closed && !this.#lost;
  }

  /** The line of the caller that lingers has ended. @param args of the call under way; undefined: there is none */
  callersLineEnded(args: Lingering["args"] | undefined): void {
    if (args) {
      this.#lingering = { ...this.#lingering!, args };
      return;
    }
    this.#lingering = undefined;
    this.#again = false;
    this.#options.begun();
  }

  /** The line to the server that runs has ended. @param usedMs by its calls @param idle it has answered all of them */
  serversLineEnded(usedMs: number, idle: boolean): void {
    const now = this.#kernel.now();
    this.#begin = Math.max(this.#begin, now - usedMs);
    if (!idle) return;
    const thread = this.#running!;
    this.#kernel.ownScopes.end(this.#scope, this.number);
    this.hold(); // what becomes ready waits
    this.#nests.end();
    this.#running = undefined;
    thread.component.leave(thread);
    thread.used(now - this.#begin);
    if (thread.dead) this.#kernel.lifetimes.endThread(thread);
    else this.#kernel.rpc.nested.idle(thread);
    this.release();
    if (!this.busy) this.#options.rested();
  }

  // Stopping it, and commands.

  /** The thread that runs gives way at its next safe point. */
  request(): void {
    this.lines.end();
    Atomics.store(this.#words, BLOCK.giveWay, 1);
    this.#nests.reclaim();
    this.#nests.flag();
    if (this.#lingering) this.#unwind();
  }

  /**
   * Waits until the thread that runs has given way: some microseconds, unless the host has no time for the CPU.
   *
   * @returns false if it has not, in time, or because it waits for an answer of the caller
   */
  stop(ms: number = KERNEL_LIMITS.stopMs): boolean {
    this.lines.end();
    if (!this.#running || this.#lost) return true;
    if (this.#serving) return false;
    this.request();
    const end = performance.now() + ms;
    const { bottom } = this.#nests;
    while (this.#nests.bottom === bottom) {
      if (this.pending) this.#serveStopping();
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
    const again = this.#again;
    this.#again = false;
    if (again && this.#lingering) this.#callAgain();
    this.#pump();
  }

  /** What runs there comes to a safe point, and stays there until `release`; behind `hold`. */
  reachSafePoint(): void {
    if (this.#lingering || this.#serving || this.stop(KERNEL_LIMITS.replyMs)) return;
    this.#lose(`CPU ${this.number} has not come to a safe point for ${KERNEL_LIMITS.replyMs} ms`);
  }

  /** What a thread asks for while somebody waits for it to stop: no code of others runs, it gives way. */
  #serveStopping(): void {
    const run = this.#nests.asking;
    const request = Atomics.load(this.#words, BLOCK.request);
    const place = this.block.param(0);
    const later = request === REQUEST.host && !run.component.program.info.imports[place]!.instant;
    if (request !== REQUEST.poll && request !== REQUEST.grow && !later) return this.serve();
    Atomics.store(this.#words, BLOCK.request, REQUEST.none);
    if (later) return this.#answer(ANSWER.again);
    run.growAgain = request === REQUEST.grow;
    this.block.setParam(0, request === REQUEST.poll ? 1 : GROWTH.indexOf("park"));
    this.#answer(ANSWER.result);
  }

  /** Lets the CPU do something, in order. */
  tell(command: Command): void {
    if (!this.#lost) this.#commands.post(command, false);
  }

  /**
   * Lets the CPU do something now, and waits for it: it does so where it waits, or at the next poll of what it runs.
   *
   * @throws EngineFault as the function there; "busy" if the CPU is lost
   */
  ask(command: Command): unknown {
    if (this.#lost) throw new EngineFault("busy", this.#lost);
    this.reclaim();
    return valueIn(this.#commands.ask(command, this.#look) ?? this.#silent());
  }

  readonly #look = (): void => {
    if (!this.#lingering) this.#nests.flag();
  };

  #silent(): never {
    this.#lose(`CPU ${this.number} has not answered for ${KERNEL_LIMITS.replyMs} ms`);
    throw new EngineFault("busy", this.#lost!);
  }

  /** It has ended by itself: what was placed there has stopped for good; everything else goes on. */
  #lose(why: string): void {
    if (this.#lost || this.#closed) return;
    this.#lost = why;
    this.#port.terminate();
    this.lines.end();
    const thread = this.#running;
    this.#nests.end();
    this.#running = this.#lingering = undefined;
    if (thread) thread.component.leave(thread);
    while (this.#queue.take());
    for (const component of this.#kernel.components) if (component.cpu === this.number) component.lose(why);
    this.#options.rested();
  }
}
