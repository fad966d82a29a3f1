// The supervisor of one run: asks its CPU to freeze, and hands out what it captured. The same for every host; how the
// CPU is started and fed is in supervisor-node.ts and supervisor-web.ts.
//
// Every wait for the CPU has a deadline and a named outcome: whatever the guest does, the supervisor goes on.

import { CONTROL } from "../abi/index.ts";
import { Fault } from "../util/index.ts";
import { type Arena, type ArenaPool, type MemorySize, sizesOf } from "./arenas.ts";
import { MachineFault } from "./faults.ts";
import {
  ABORTED,
  type EndingReport,
  type FaultData,
  type MemoryToFill,
  type Report,
  type Request,
} from "./protocol.ts";
import type { ProgramState } from "./wasi-program.ts";

/** Longest wait for a freeze; polls come within microseconds, host calls that do not block within milliseconds. */
export const FREEZE_DEADLINE_MS = 30_000;

/** When a program that was started or thawed enters its loops anew, to run code that was optimised meanwhile. */
const RE_ENTRIES_MS = [30, 150, 700, 3_000] as const;

/** A fault that happened in the CPU. */
export class CpuFault extends Fault {}

/** A CPU as its supervisor holds it. */
export interface CpuLink {
  post(request: Request): void;
  /** Ends the CPU at once, and what it left to be sent. */
  terminate(): Promise<unknown> | undefined;
  /**
   * The run is over: stops what feeds it. Called once.
   *
   * @param byItself nobody stopped or killed it: resolves when what the program sent has left
   */
  stop(byItself: boolean): void | Promise<void>;
}

/** What a CPU's host tells the supervisor. */
export interface CpuEvents {
  report(report: Report): void;
  /** The CPU is gone; told again after the end it does nothing. */
  lost(error: Error): void;
  /** Wakes a program that is blocked, because input came. */
  wake(): void;
}

/** Puts the content of a memory of an unfilled program into `target`, which is all zero and of its size. */
export type FillMemory = (instance: number, memory: number, target: Uint8Array) => Promise<void>;

/** What a host adds to a supervisor. */
export interface SupervisorParts {
  readonly onOutput?: (stream: 1 | 2, bytes: Uint8Array) => void;
  /** For a resumption that is unfilled. */
  readonly fill?: FillMemory | undefined;
  /** Where captured contents go; absent: the CPU makes new memory for each capture, and gives it away. */
  readonly arenas?: ArenaPool;
}

export interface Captured {
  readonly state: ProgramState;
  /** How long the program stood still for the capture. */
  readonly pausedMs: number;
}

type Answer = Extract<Report, { id: number }>;
type RequestBody = Request extends infer R ? (R extends { id: number } ? Omit<R, "id"> : never) : never;

export class RunSupervisor {
  /** Resolves when the program has ended by itself, and what it sent has left, or was stopped (then without a report). */
  readonly done: Promise<EndingReport | undefined>;
  /** What a restore could not undo. */
  warnings: readonly string[] = [];
  readonly #cpu: CpuLink;
  readonly #parts: SupervisorParts;
  /** Of the last capture. */
  #sizes: readonly MemorySize[] | undefined;
  /** States whose contents are the program's own memory, not the arenas'. */
  readonly #inPlace = new WeakSet<ProgramState>();
  #words: Int32Array<SharedArrayBuffer> | undefined;
  #pending:
    | { readonly id: number; readonly resolve: (answer: Answer) => void; readonly reject: (fault: Error) => void }
    | undefined;
  #queue: Promise<unknown> = Promise.resolve();
  #nextId = 1;
  #ended = false;
  readonly #timers: ReturnType<typeof setTimeout>[] = [];
  #finish!: (ending: EndingReport | undefined) => void;
  #started!: { readonly resolve: () => void; readonly reject: (fault: Error) => void };
  readonly #ready: Promise<void>;

  /** @param connect starts the CPU; events may come as soon as it has returned */
  protected constructor(connect: (events: CpuEvents) => CpuLink, parts: SupervisorParts = {}) {
    this.done = new Promise((resolve) => (this.#finish = resolve));
    this.#ready = new Promise((resolve, reject) => (this.#started = { resolve, reject }));
    this.#ready.catch(() => {}); // `started` may never be asked
    this.#parts = parts;
    this.#cpu = connect({
      report: (report) => this.#receive(report),
      lost: (error) => this.#lost(error),
      wake: () => this.#wake(),
    });
  }

  /**
   * Resolves when the program runs.
   *
   * @throws CpuFault with the code of whatever refused it; nothing runs then
   */
  protected async started(reEnter: boolean): Promise<this> {
    await this.#ready;
    if (reEnter) this.#scheduleReEntries();
    return this;
  }

  /**
   * Freezes the program, copies its state and lets it go on, or ends it.
   *
   * @throws MachineFault "ended", "deadline" (the program goes on); CpuFault what cannot be saved, by name
   */
  async capture(stop = false): Promise<Captured> {
    const captured = await this.#capture(stop ? "end" : "go-on");
    if (stop) this.#end(undefined);
    return captured;
  }

  /**
   * As `capture`, and the program stays frozen until `resume` or `kill`. Nothing is copied where that can be avoided: the
   * contents are the program's memories, so they are those of the capture until `resume`, and for ever after `kill`.
   */
  async captureFrozen(): Promise<Captured> {
    const captured = await this.#capture("stay", "in-place");
    this.#inPlace.add(captured.state);
    return captured;
  }

  /** Resolves when what a restore of the frozen program will ask for is kept: the CPU sees to it behind the capture. */
  async prepared(): Promise<void> {
    await this.#request({ type: "measure" }); // served behind that
  }

  /** Takes back the memory of a captured state for the next capture: the state must not be used any more. */
  recycle(state: ProgramState): void {
    if (!this.#inPlace.has(state)) this.#parts.arenas?.giveBack(state.group);
  }

  async #capture(after: "go-on" | "stay" | "end", place?: "in-place"): Promise<Captured> {
    const arenas = place ?? (await this.#arenas());
    const answer = await this.#request({ type: "capture", after, ...(arenas ? { arenas } : {}) });
    if (answer.type !== "captured") throw new MachineFault("ended", "the CPU gave no state");
    this.#sizes = sizesOf(answer.state.group);
    return answer;
  }

  /** Memory that was touched before the program stands still: for what it had at the last capture, or has now. */
  async #arenas(): Promise<readonly Arena[] | undefined> {
    const { arenas } = this.#parts;
    if (!arenas) return undefined;
    if (this.#sizes) return arenas.take(this.#sizes);
    const answer = await this.#request({ type: "measure" });
    return answer.type === "measured" ? arenas.take(answer.sizes) : undefined;
  }

  /** Lets a program that was left frozen go on. */
  async resume(): Promise<void> {
    await this.#request({ type: "resume" });
  }

  /** Writes out the output that the last capture holds: call it when its checkpoint is safe. */
  async release(): Promise<void> {
    await this.#request({ type: "release" });
  }

  /** Ends the program at once, wherever it is. */
  async kill(): Promise<void> {
    const gone = this.#cpu.terminate();
    this.#end(undefined); // first: the CPU's own end is no loss then
    await gone;
  }

  #request(request: RequestBody): Promise<Answer> {
    const next = this.#queue.then(() => this.#ask({ ...request, id: this.#nextId++ } as Request));
    this.#queue = next.catch(() => {});
    return next;
  }

  #ask(request: Request): Promise<Answer> {
    if (this.#ended) throw new MachineFault("ended", "the program has ended");
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#pending = undefined;
        reject(
          new MachineFault("deadline", `the program has not reached a safe point within ${FREEZE_DEADLINE_MS} ms`),
        );
      }, FREEZE_DEADLINE_MS);
      const settled =
        <T>(then: (value: T) => void) =>
        (value: T) => {
          clearTimeout(timer);
          this.#pending = undefined;
          then(value);
        };
      this.#pending = { id: request.id, resolve: settled(resolve), reject: settled(reject) };
      this.#cpu.post(request);
      Atomics.store(this.#words!, CONTROL.flag >> 2, 1);
      this.#wake();
    });
  }

  #wake(): void {
    if (!this.#words) return;
    Atomics.add(this.#words, CONTROL.event >> 2, 1);
    Atomics.notify(this.#words, CONTROL.event >> 2);
  }

  #receive(report: Report): void {
    switch (report.type) {
      case "ready":
        this.#words = new Int32Array(report.control);
        this.warnings = report.warnings;
        this.#started.resolve();
        return;
      case "unfilled":
        this.#fill(report.memories).catch((thrown: unknown) => {
          void this.#cpu.terminate();
          this.#failed(thrown as Error);
        });
        return;
      case "failed":
        return this.#failed(toFault(report.fault));
      case "ended":
        return this.#end(report.ending);
      case "output":
        this.#parts.onOutput?.(report.stream, report.bytes);
        return;
      case "refused":
        if (this.#pending?.id === report.id) this.#pending.reject(toFault(report.fault));
        return;
      default:
        if (this.#pending?.id === report.id) this.#pending.resolve(report);
    }
  }

  /** Fills the memories of a restored program where they are; those that cannot be reached go to the CPU as copies. */
  async #fill(memories: readonly MemoryToFill[]): Promise<void> {
    const { fill } = this.#parts;
    if (!fill)
      throw new MachineFault("no-contents", "the state has no memory contents, expected a function that brings them");
    const contents: Arena[] = [];
    for (const { instance, index, sizeBytes, buffer } of memories) {
      const target = buffer ?? new SharedArrayBuffer(sizeBytes);
      await fill(instance, index, new Uint8Array(target));
      if (!buffer) contents.push({ instance, index, buffer: target });
    }
    if (!this.#ended) this.#cpu.post({ type: "filled", id: this.#nextId++, contents });
  }

  /** The CPU gave up: before the program runs that refuses the start, later it ends the run. */
  #failed(fault: Error): void {
    const running = this.#words !== undefined;
    this.#started.reject(fault);
    this.#pending?.reject(fault);
    this.#end(running ? { kind: "threw", exitCode: ABORTED, lines: [`the CPU failed: ${fault.message}`] } : undefined);
  }

  #lost(error: Error): void {
    this.#started.reject(error);
    this.#pending?.reject(error);
    this.#end(
      this.#ended ? undefined : { kind: "threw", exitCode: ABORTED, lines: [`the CPU was lost: ${error.message}`] },
    );
  }

  #end(ending: EndingReport | undefined): void {
    if (this.#ended) return;
    this.#ended = true;
    for (const timer of this.#timers) clearTimeout(timer);
    this.#pending?.reject(new MachineFault("ended", "the program has ended"));
    void Promise.resolve(this.#cpu.stop(ending !== undefined)).then(() => this.#finish(ending));
  }

  #scheduleReEntries(): void {
    for (const delay of RE_ENTRIES_MS) {
      const timer = setTimeout(() => {
        this.#request({ type: "re-enter" }).catch(() => {}); // it ended first: nothing is lost
      }, delay);
      timer.unref?.(); // under Node: a waiting re-entry keeps no process alive
      this.#timers.push(timer);
    }
  }
}

function toFault({ code, message, detail }: FaultData): CpuFault {
  return new CpuFault(code, message, { detail });
}
