// Another CPU as the kernel has it: the threads that are ready for it, the one that runs there, and what that asks for.
//
//   idle --work--> running <--request, answer--> ... --done--> idle
//                     '- lingering: its call waits, and it stands in it, until the wait is over or the CPU has other work
//
// I1  A thread that lingers counts as one that is blocked: whoever needs it unwound (a state, another thread) gets that.
// I2  Work and answers are given only while the CPU waits for them.
//
// Above 400 lines: whatever happens to a CPU, a request, a wait that ends, a command, a loss, moves the same state of the
// diagram, and must see it whole. What a run is, how it ends and how a call is made have files of their own.
import { CONTROL, type HostFunction, type PlainData } from "../../../abi/index.ts";
import { EngineFault, type Thread } from "../../../engine/index.ts";
import { Fault } from "../../../util/index.ts";
import { Steps } from "../executor.ts";
import type { Kernel } from "../kernel.ts";
import { KERNEL_LIMITS } from "../limits.ts";
import { SPAWN, WASI } from "../program.ts";
import { ReadyQueue } from "../ready-queue.ts";
import type { KernelThread } from "../thread.ts";
import {
  ANSWER,
  BLOCK,
  BLOCK_BYTES,
  type Command,
  CpuBlock,
  type EndingReport,
  GROWTH,
  type Posted,
  REQUEST,
  type Reply,
  type StartCpu,
  type StartedCpu,
  WORK,
} from "./protocol.ts";
import { type CallOutcome, makeCall } from "./remote-call.ts";
import type { RemoteEngine } from "./remote-engine.ts";
import { endOf, type Run } from "./remote-run.ts";

const FLAG = CONTROL.flag >> 2;

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

export class RemoteCpu extends Steps {
  readonly number: number;
  readonly #kernel: Kernel;
  readonly #block: CpuBlock;
  readonly #words: Int32Array<SharedArrayBuffer>;
  readonly #port: StartedCpu;
  readonly #options: RemoteCpuOptions;
  readonly #queue = new ReadyQueue();
  #run: Run | undefined;
  #running: KernelThread | undefined;
  #begin = 0;
  #lingering: Lingering | undefined;
  /** The kernel does something for the thread that runs. */
  #serving = false;
  #posted = false;
  #frozen = false;
  /** How many want nothing to run there. */
  #holders = 0;
  /** The wait of the call that lingers has ended meanwhile. */
  #again = false;
  #lost: string | undefined;
  #closed = false;
  readonly #endings: EndingReport[] = [];

  constructor(kernel: Kernel, options: RemoteCpuOptions) {
    super(kernel);
    this.#kernel = kernel;
    this.#options = options;
    this.number = options.number;
    const block = new SharedArrayBuffer(BLOCK_BYTES);
    this.#block = new CpuBlock(block);
    this.#words = this.#block.words;
    const { number, door } = options;
    this.#port = options.start({ number, block, door }, (why) => this.#lose(why));
  }

  /** Whether something runs there or could: threads whose calls wait do not count. */
  get busy(): boolean {
    return !this.#lost && (this.#queue.size > 0 || (this.#running !== undefined && !this.#lingering));
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
    if (this.#lingering && thread === this.#running) {
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
    const ask = this.#kernel.everyPoint || thread.stepping;
    Atomics.store(this.#words, BLOCK.ask, ask ? 1 : 0);
    if (ask) Atomics.store(thread.component.engine.words, FLAG, 1);
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
    this.hold(); // whatever becomes ready by that waits until it has left
    this.#running = undefined;
    this.#run = undefined;
    thread.component.leave(thread);
    if (thread.dead) this.#kernel.endThread(thread);
    thread.used(this.#kernel.now() - this.#begin);
    if (thread.runnable) this.#queue.add(thread);
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
    const { call, argument } = thread.entrypoint!.serving!;
    const { instance, function: index } = call.entry;
    this.#post(thread, undefined, role, WORK.dispatch, instance, index, argument, kind, object, value);
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
    this.#run = {
      ...{ thread, component, engine, activation, role },
      ...{ progress: activation?.hostCall?.progress, parked: undefined, fault: undefined },
      ...{ wakes: 0, error: undefined, growAgain: false },
    };
    this.#posted = true;
    for (const [index, value] of [component.id, thread.id, ...params].entries()) this.#block.setParam(index, value);
    this.#give(BLOCK.work, work);
    this.#options.begun();
  }

  /** @param word of BLOCK, with work or an answer */
  #give(word: number, value: number): void {
    const words = this.#words;
    Atomics.store(words, BLOCK.before, Atomics.load(words, BLOCK.commands));
    Atomics.store(words, word, value);
    this.#ring();
  }

  #ring(): void {
    Atomics.add(this.#words, BLOCK.bell, 1);
    Atomics.notify(this.#words, BLOCK.bell);
  }

  // Requests.

  /** Serves what the CPU asks for, if it does. */
  serve(): void {
    const request = Atomics.load(this.#words, BLOCK.request);
    if (request === REQUEST.none || this.#serving) return;
    Atomics.store(this.#words, BLOCK.request, REQUEST.none);
    this.#serving = true;
    try {
      if (request === REQUEST.done) this.#goOn(this.#run!);
      else this.#serveRequest(request, this.#run!);
    } finally {
      this.#serving = false;
    }
  }

  #serveRequest(request: number, run: Run): void {
    const block = this.#block;
    switch (request) {
      case REQUEST.host:
        return this.#serveHost(run);
      case REQUEST.poll:
        block.setParam(0, this.#kernel.givesWay(run.component) ? 1 : 0);
        return this.#answer(ANSWER.result);
      case REQUEST.grow:
        block.setParam(0, GROWTH.indexOf(this.#grow(run)));
        return this.#answer(ANSWER.result);
      case REQUEST.wait: {
        const [address, expected, timeout] = block.wides;
        const [outcome, left] = run.component.waits.atomicWait(
          undefined as never,
          ...([block.param(0), address!, expected!, timeout!, block.param(1)] as const),
        );
        block.setParam(0, outcome);
        block.wides[0] = left;
        return this.#answer(ANSWER.result);
      }
    }
  }

  #grow({ component }: Run): (typeof GROWTH)[number] {
    const [memory, pages] = [this.#block.param(0), this.#block.numbers[0]!];
    const decision = component.onGrow(undefined as never, memory, pages);
    if (decision !== "grow" || memory !== 0) return decision;
    // The kernel has views of memory 0: it must know when it has grown.
    try {
      component.engine.memories(0)![0]!.grow(pages);
      return "grown";
    } catch {
      return "refuse";
    } finally {
      component.memoryChanges();
    }
  }

  #serveHost(run: Run): void {
    const place = this.#block.param(0);
    const progress = this.#block.param(1) === 0 ? undefined : run.progress;
    const { module, name, signature } = run.component.program.info.imports[place]!;
    const host = run.component.hostFunction(module, name);
    const { params, results } = signature!;
    const args = params.map((type, index) => this.#block.value(index, type));
    run.wakes = run.component.wakes;
    const outcome = makeCall(run.component, host, args, progress);
    if (outcome.kind === "freeze" && this.#mayLinger(run, module)) {
      this.#lingering = { host, args, type: results[0], progress: outcome.progress };
      this.#options.rested();
    } else this.#tellOutcome(run, outcome, results[0]);
  }

  /** Only calls of the kernel: what they wait for is kernel state, and asking again has no effect. */
  #mayLinger({ thread }: Run, module: string): boolean {
    if (module === WASI || module === SPAWN.module) return false;
    const { kind } = thread.waiting ?? {};
    if (kind !== "call" && kind !== "futex") return false;
    const stopped = thread.paused || thread.exception || thread.dead || thread.stepping;
    return !stopped && !this.contended && this.#words[BLOCK.ask] === 0 && this.#words[BLOCK.giveWay] === 0;
  }

  #tellOutcome(run: Run, outcome: CallOutcome, type: string | undefined): void {
    const block = this.#block;
    run.progress = undefined;
    run.fault = undefined;
    switch (outcome.kind) {
      case "result":
        if (type !== undefined) block.setValue(0, type, outcome.value);
        return this.#answer(ANSWER.result);
      case "freeze":
        run.progress = outcome.progress;
        run.parked = outcome.parked;
        run.fault = outcome.fault;
        block.setParam(0, outcome.progress === undefined ? 0 : 1);
        return this.#answer(ANSWER.freeze);
      case "exit":
        block.setParam(0, outcome.code);
        return this.#answer(ANSWER.exit);
      default:
        run.error = outcome.error;
        return this.#answer(ANSWER.threw);
    }
  }

  #answer(answer: number): void {
    this.#run!.engine.flush();
    this.#give(BLOCK.answer, answer);
    this.#options.begun();
  }

  /** The wait of the call that lingers is over. */
  #callAgain(): void {
    const { host, args, type, progress } = this.#lingering!;
    const run = this.#run!;
    if (!run.thread.runnable) return this.#unwind();
    const outcome = makeCall(run.component, host, args, progress);
    if (outcome.kind === "freeze" && run.thread.waiting && this.#mayLinger(run, "")) {
      this.#lingering!.progress = outcome.progress;
      return;
    }
    this.#lingering = undefined;
    this.#tellOutcome(run, outcome, type);
  }

  /** The call that lingers gives way. */
  #unwind(): void {
    const { progress, type } = this.#lingering!;
    this.#lingering = undefined;
    this.#tellOutcome(this.#run!, { kind: "freeze", progress, parked: undefined }, type);
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
    const end = endOf(run, this.#block, () => this.#takeEnding());
    if (end.kind === "ended") return this.settle(thread, end.image);
    if (end.kind === "deep") {
      this.tooDeep(thread, end.message);
      return false;
    }
    this.returned(thread, run.role, end.result);
    return true;
  }

  // Stopping it, and commands.

  /** The thread that runs gives way at its next safe point. */
  request(): void {
    Atomics.store(this.#words, BLOCK.giveWay, 1);
    const words = this.#running?.component.engine.words;
    if (words) Atomics.store(words, FLAG, 1);
    if (this.#lingering) this.#unwind();
  }

  /**
   * Waits until the thread that runs has given way: some microseconds, unless the host has no time for the CPU.
   *
   * @returns false if it has not, in time, or because it waits for an answer of the caller
   */
  stop(ms: number = KERNEL_LIMITS.stopMs): boolean {
    if (!this.#running || this.#lost) return true;
    if (this.#serving) return false;
    this.request();
    const end = performance.now() + ms;
    const { thread } = this.#run!;
    while (this.#running === thread) {
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
    const run = this.#run!;
    const request = Atomics.load(this.#words, BLOCK.request);
    const place = this.#block.param(0);
    const later = request === REQUEST.host && !run.component.program.info.imports[place]!.instant;
    if (request !== REQUEST.poll && request !== REQUEST.grow && !later) return this.serve();
    Atomics.store(this.#words, BLOCK.request, REQUEST.none);
    if (later) return this.#answer(ANSWER.again);
    run.growAgain = request === REQUEST.grow;
    this.#block.setParam(0, request === REQUEST.poll ? 1 : GROWTH.indexOf("park"));
    this.#answer(ANSWER.result);
  }

  /** Lets the CPU do something, in order. */
  tell(command: Command): void {
    if (!this.#lost) this.#command(command, false);
  }

  #command(command: Command, reply: boolean): void {
    this.#port.post({ command, reply } satisfies Posted);
    Atomics.add(this.#words, BLOCK.commands, 1);
    const words = this.#running && !this.#lingering ? this.#running.component.engine.words : undefined;
    if (words && reply) Atomics.store(words, FLAG, 1);
    this.#ring();
  }

  /**
   * Lets the CPU do something now, and waits for it: it does so where it waits, or at the next poll of what it runs.
   *
   * @throws EngineFault as the function there; "busy" if the CPU is lost
   */
  ask(command: Command): unknown {
    if (this.#lost) throw new EngineFault("busy", this.#lost);
    const before = Atomics.load(this.#words, BLOCK.replies);
    this.#command(command, true);
    const end = performance.now() + KERNEL_LIMITS.replyMs;
    while (Atomics.load(this.#words, BLOCK.replies) === before) {
      if (performance.now() > end) {
        this.#lose(`CPU ${this.number} has not answered for ${KERNEL_LIMITS.replyMs} ms`);
        throw new EngineFault("busy", this.#lost!);
      }
      Atomics.wait(this.#words, BLOCK.replies, before, 100);
    }
    const { value, fault } = this.#takeReply();
    if (!fault) return value;
    if (fault.code === "failed") throw new CpuFault("failed", fault.message);
    throw new EngineFault(fault.code as "mismatch", fault.message);
  }

  #takeReply(): Reply {
    for (;;) {
      const message = this.#port.receive() as Reply | EndingReport;
      if (message.type === "reply") return message;
      this.#endings.push(message);
    }
  }

  #takeEnding(): EndingReport {
    return this.#endings.shift() ?? (this.#port.receive() as EndingReport);
  }

  /** It has ended by itself: what was placed there has stopped for good; everything else goes on. */
  #lose(why: string): void {
    if (this.#lost || this.#closed) return;
    this.#lost = why;
    this.#port.terminate();
    const thread = this.#running;
    this.#running = this.#run = this.#lingering = undefined;
    if (thread) thread.component.leave(thread);
    while (this.#queue.take());
    for (const component of this.#kernel.components) {
      if (component.cpu !== this.number || !component.loaded) continue;
      for (const lost of component.threads) {
        lost.faulted = true;
        lost.raise(why);
      }
    }
    this.#options.rested();
  }
}

/** "failed": what another CPU was asked to do has thrown what is no fault of the engine. */
export class CpuFault extends Fault<"failed"> {}
