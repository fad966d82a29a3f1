// What a thread on another CPU asks the kernel for, and the call in which it lingers: one that waits, and in which the
// thread stands until the wait is over or its CPU has other work.
import { type HostFunction, KERNEL_IMPORTS, KERNEL_MODULE, type PlainData } from "../../../abi/index.ts";
import type { Thread } from "../../../engine/index.ts";
import type { PendingCall } from "../calls.ts";
import type { Kernel } from "../kernel.ts";
import { KERNEL_LIMITS } from "../limits.ts";
import { SPAWN, WASI } from "../program.ts";
import type { KernelThread } from "../thread.ts";
import type { CpuLink } from "./cpu-link.ts";
import type { LineEnds } from "./lines.ts";
import type { NestedCall, Nests } from "./nests.ts";
import { ANSWER, BLOCK, type CpuBlock, GROWTH, HOST_ROOM, NESTED, REQUEST } from "./protocol.ts";
import { askComponent, type CallOutcome, makeCall, outcomeOf, quickCall } from "./remote-call.ts";
import { endOf, type Run, returnedBy, writeOutcome } from "./remote-run.ts";

interface Lingering {
  readonly host: HostFunction;
  readonly args: readonly (number | bigint)[];
  readonly type: string | undefined;
  progress: PlainData | undefined;
}

/** The CPU that asks. */
export interface AskingCpu {
  readonly link: CpuLink;
  readonly lines: LineEnds;
  readonly nests: Nests;
  /** Others are ready for it, or nothing is to run. */
  readonly contended: boolean;
  askChanges(): void;
  /** Something that leases depend on may have changed. */
  look(): void;
  /** Notes how a nested dispatch has ended. */
  settle(thread: KernelThread, image: Thread): boolean;
  /** A run has ended. */
  goOn(run: Run): void;
  /** It has something to do. */
  begun(): void;
  /** Its thread has begun to wait: it may be at rest now. */
  rested(): void;
}

export class RemoteRequests {
  readonly #kernel: Kernel;
  readonly #cpu: AskingCpu;
  readonly #block: CpuBlock;
  readonly #words: Int32Array<SharedArrayBuffer>;
  #lingering: Lingering | undefined;
  /** The wait of the call that lingers has ended while nothing was to run. */
  #again = false;
  /** What the thread has asked for is a call that is to be nested. */
  #nest: NestedCall | undefined;
  /** The kernel does something for the thread that runs. */
  #serving = false;

  constructor(kernel: Kernel, cpu: AskingCpu) {
    this.#kernel = kernel;
    this.#cpu = cpu;
    this.#block = cpu.link.block;
    this.#words = this.#block.words;
  }

  get lingering(): boolean {
    return this.#lingering !== undefined;
  }

  get serving(): boolean {
    return this.#serving;
  }

  get pending(): boolean {
    return Atomics.load(this.#words, BLOCK.request) !== REQUEST.none;
  }

  /** What the CPU asks for meanwhile waits. */
  during(body: () => void): void {
    this.#serving = true;
    try {
      body();
    } finally {
      this.#serving = false;
    }
  }

  /** Serves what the CPU asks for, if it does. */
  serve(): void {
    const request = Atomics.load(this.#words, BLOCK.request);
    if (request === REQUEST.none || this.#serving) return;
    Atomics.store(this.#words, BLOCK.request, REQUEST.none);
    this.#serving = true;
    try {
      this.#cpu.lines.asks(request === REQUEST.done);
      const run = this.#cpu.nests.asking;
      if (request === REQUEST.done) this.#cpu.goOn(run);
      else this.#serveFor(request, run);
    } finally {
      this.#serving = false;
    }
  }

  #serveFor(request: number, run: Run): void {
    const { component, thread } = run;
    const before = component.actFor(thread);
    try {
      this.#serveRequest(request, run);
    } finally {
      component.actFor(before);
    }
  }

  #serveRequest(request: number, run: Run): void {
    const block = this.#block;
    switch (request) {
      case REQUEST.host:
        return this.#serveHost(run);
      case REQUEST.nested:
        return this.#endNested();
      case REQUEST.poll:
        block.setParam(0, this.#kernel.stops.givesWay(run.thread) ? 1 : 0);
        return this.#answer(ANSWER.result);
      default:
        askComponent(run.thread, block, request);
        this.#answer(ANSWER.result);
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
    const quick = progress === undefined ? quickCall(host, args) : undefined;
    if (this.#nest) return this.#beginNested();
    // A call of an object that was not over at once: what it waits for is known, and making it again throws.
    const begun = progress === undefined && module === KERNEL_MODULE && name === KERNEL_IMPORTS.call;
    const later = () => (begun ? outcomeOf(run.thread, undefined) : makeCall(run.component, host, args, progress));
    this.#finish(run, quick ?? later(), { host, args, type: results[0] }, module);
  }

  /** A host call has come so far; it lingers, or its thread goes on. */
  #finish(run: Run, outcome: CallOutcome, call: Omit<Lingering, "progress">, module: string): void {
    if (outcome.kind === "freeze" && this.#mayLinger(run, module)) {
      this.#lingering = { ...call, progress: outcome.progress };
      this.#cpu.lines.begin();
      this.#cpu.rested();
      return;
    }
    this.#cpu.lines.decline();
    this.#answer(writeOutcome(run, outcome, call.type, this.#block));
  }

  /** Only calls of the kernel: what they wait for is kernel state, and asking again has no effect. */
  #mayLinger({ thread }: Run, module: string): boolean {
    if (module === WASI || module === SPAWN.module) return false;
    const { kind } = thread.waiting ?? {};
    if (kind !== "call" && kind !== "futex") return false;
    const stopped = thread.paused || thread.exception || thread.dead || thread.stepping;
    return !stopped && !this.#cpu.contended && this.#words[BLOCK.ask] === 0 && this.#words[BLOCK.giveWay] === 0;
  }

  #answer(answer: number): void {
    this.#cpu.nests.flush();
    this.#cpu.look();
    this.#cpu.link.give(BLOCK.answer, answer);
    this.#cpu.begun();
  }

  // Nested dispatches.

  /** Whether a call that is made now can be answered within its caller's host call. */
  nests(caller: KernelThread): boolean {
    const { nests } = this.#cpu;
    if (!this.#serving || nests.depth >= KERNEL_LIMITS.nesting) return false;
    return this.#block.param(HOST_ROOM) !== 0 && nests.top.thread === caller;
  }

  /** What a call comes to that has been found to be one. */
  nest(call: NestedCall): void {
    this.#nest = call;
  }

  #beginNested(): void {
    const call = this.#nest!;
    const { nests } = this.#cpu;
    this.#nest = undefined;
    nests.nest(call, this.#words[BLOCK.ask] === 0);
    this.#cpu.askChanges();
    if (this.#words[BLOCK.giveWay] !== 0) nests.flag();
    this.#answer(ANSWER.nest);
  }

  /** A nested dispatch has ended: its caller goes on, or gives way. */
  #endNested(): void {
    const { nests, link } = this.#cpu;
    const run = nests.ended();
    const { caller } = run.call;
    const [opcode, message] = [this.#block.param(NESTED), this.#block.param(NESTED + 1) >>> 0];
    const status = this.#kernel.rpc.nested.ended({ ...run.call, opcode, message }, returnedBy(this.#block), (role) => {
      run.role = role;
      const end = endOf(run, this.#block, () => link.takeEnding());
      if (end.kind === "ended") this.#cpu.settle(run.thread, end.image);
    });
    const host = caller.component.hostFunction(KERNEL_MODULE, KERNEL_IMPORTS.call);
    const call = { host, args: [run.call.slot, opcode, message], type: "i32" };
    this.#finish(nests.top, outcomeOf(caller, status), call, KERNEL_MODULE);
  }

  // The call that lingers.

  /** Its arguments, if it is in that call. */
  lingersIn({ id, caller }: PendingCall): Lingering["args"] | undefined {
    const waiting = caller?.waiting;
    if (!this.#lingering || waiting?.kind !== "call" || waiting.call !== id) return undefined;
    return this.#cpu.nests.top.thread === caller ? this.#lingering.args : undefined;
  }

  /** Its wait is over. @param held nothing is to run now: it is made again with `released` */
  woken(held: boolean): void {
    if (held) this.#again = true;
    else this.#callAgain();
  }

  /** Something may run again. */
  released(): void {
    const again = this.#again;
    this.#again = false;
    if (again && this.#lingering) this.#callAgain();
  }

  #callAgain(): void {
    const { host, args, type, progress } = this.#lingering!;
    const run = this.#cpu.nests.top;
    if (!run.thread.runnable) return this.unwind();
    const before = run.component.actFor(run.thread);
    const outcome = makeCall(run.component, host, args, progress);
    run.component.actFor(before);
    if (outcome.kind === "freeze" && run.thread.waiting && this.#mayLinger(run, "")) {
      this.#lingering!.progress = outcome.progress;
      return;
    }
    this.#lingering = undefined;
    this.#answer(writeOutcome(run, outcome, type, this.#block));
  }

  /** It gives way. */
  unwind(): void {
    const { progress, type } = this.#lingering!;
    this.#lingering = undefined;
    const outcome = { kind: "freeze", progress, parked: undefined } as const;
    this.#answer(writeOutcome(this.#cpu.nests.top, outcome, type, this.#block));
  }

  /** The line of its thread has ended. @param args of the call under way; undefined: there is none */
  lineEnded(args: Lingering["args"] | undefined): void {
    if (args) {
      this.#lingering = { ...this.#lingering!, args };
      return;
    }
    this.#lingering = undefined;
    this.#again = false;
    this.#cpu.begun();
  }

  /** Nobody asks any more. */
  drop(): void {
    this.#lingering = undefined;
  }

  /**
   * What a thread asks for while somebody waits for it to stop: it gives way. What is answered at once (instant functions of
   * the kernel, room for tables and frames, waits) asks no parent.
   */
  serveStopping(): void {
    const run = this.#cpu.nests.asking;
    const request = Atomics.load(this.#words, BLOCK.request);
    const place = this.#block.param(0);
    const later = request === REQUEST.host && !run.component.program.info.imports[place]!.instant;
    if (request !== REQUEST.poll && request !== REQUEST.grow && !later) {
      return run.component.growth.alone(() => this.serve());
    }
    Atomics.store(this.#words, BLOCK.request, REQUEST.none);
    if (later) return this.#answer(ANSWER.again);
    run.growAgain = request === REQUEST.grow;
    this.#block.setParam(0, request === REQUEST.poll ? 1 : GROWTH.indexOf("park"));
    this.#answer(ANSWER.result);
  }
}
