// The supervisor of one WASI run: starts its CPU, asks it to freeze, and hands out what it captured.
//
// It lives in the main thread, which also receives the program's input; whatever the guest does, the supervisor goes
// on. Every wait for the CPU has a deadline and a named outcome.

import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import { CONTROL } from "../abi/index.ts";
import { openStandardStreams } from "../core/index-node.ts";
import { Fault } from "../util/index.ts";
import { MachineFault } from "./faults.ts";
import type { CpuData, EndingReport, FaultData, Report, Request, Resumption, RunSpec } from "./protocol.ts";
import type { ProgramState } from "./wasi-program.ts";

/** Longest wait for a freeze; polls come within microseconds, host calls that do not block within milliseconds. */
export const FREEZE_DEADLINE_MS = 30_000;

/** When a program that was started or thawed enters its loops anew, to run code that was optimised meanwhile. */
const RE_ENTRIES_MS = [30, 150, 700, 3_000] as const;

export interface SupervisorOptions {
  readonly module: Uint8Array;
  /** SHA-256 of the module, hexadecimal. */
  readonly hash: string;
  readonly spec: RunSpec;
  readonly resumption?: Resumption;
  /** Enter loops anew after a start or a thaw (default: true). */
  readonly reEnter?: boolean;
}

/** A fault that happened in the CPU. */
export class CpuFault extends Fault {}

type Answer = Extract<Report, { id: number }>;

export class Supervisor {
  /** Resolves when the program has ended by itself or was stopped (then without a report). */
  readonly done: Promise<EndingReport | undefined>;
  /** What a restore could not undo. */
  warnings: readonly string[] = [];
  readonly #worker: Worker;
  readonly #streams: { stop(): void };
  #words: Int32Array<SharedArrayBuffer> | undefined;
  #pending:
    | { readonly id: number; readonly resolve: (answer: Answer) => void; readonly reject: (fault: Error) => void }
    | undefined;
  #queue: Promise<unknown> = Promise.resolve();
  #nextId = 1;
  #ended = false;
  readonly #timers: NodeJS.Timeout[] = [];
  #finish!: (ending: EndingReport | undefined) => void;
  #started!: { resolve: () => void; reject: (fault: Error) => void };

  private constructor(options: SupervisorOptions) {
    this.done = new Promise((resolve) => (this.#finish = resolve));
    const { streams, stop } = openStandardStreams(() => this.#wake());
    this.#streams = { stop };
    const { module, hash, spec, resumption } = options;
    const data: CpuData = { module, hash, spec, streams, resumption };
    this.#worker = new Worker(cpuFile(), {
      workerData: data,
      stdout: false,
      stderr: false,
      resourceLimits: { stackSizeMb: 64 },
    });
    this.#worker.on("message", (report: Report) => this.#receive(report));
    this.#worker.on("error", (error) => this.#lost(error as Error));
    this.#worker.on("exit", () => this.#lost(new MachineFault("ended", "the CPU has ended")));
  }

  /**
   * Starts a run, or takes up a captured one.
   *
   * @throws CpuFault with the code of whatever refused it; nothing runs then
   */
  static async start(options: SupervisorOptions): Promise<Supervisor> {
    const supervisor = new Supervisor(options);
    await new Promise<void>((resolve, reject) => (supervisor.#started = { resolve, reject }));
    if (options.reEnter !== false) supervisor.#scheduleReEntries();
    return supervisor;
  }

  /**
   * Freezes the program, copies its state and lets it go on, or ends it.
   *
   * @throws MachineFault "ended", "deadline" (the program goes on); CpuFault what cannot be saved, by name
   */
  async capture(stop = false): Promise<{ readonly state: ProgramState; readonly pausedMs: number }> {
    const answer = await this.#request({ type: "capture", stop });
    if (answer.type !== "captured") throw new MachineFault("ended", "the CPU gave no state");
    if (stop) this.#end(undefined);
    return answer;
  }

  /** Writes out the output that the last capture holds: call it when its checkpoint is safe. */
  async release(): Promise<void> {
    await this.#request({ type: "release" });
  }

  /** Ends the program at once, wherever it is. */
  async kill(): Promise<void> {
    await this.#worker.terminate();
    this.#end(undefined);
  }

  #request(
    request: Request extends infer R ? (R extends { id: number } ? Omit<R, "id"> : never) : never,
  ): Promise<Answer> {
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
      this.#worker.postMessage(request);
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
      case "failed":
        this.#started.reject(toFault(report.fault));
        return this.#end(undefined);
      case "ended":
        return this.#end(report.ending);
      case "refused":
        if (this.#pending?.id === report.id) this.#pending.reject(toFault(report.fault));
        return;
      default:
        if (this.#pending?.id === report.id) this.#pending.resolve(report);
    }
  }

  #lost(error: Error): void {
    this.#started.reject(error);
    this.#pending?.reject(error);
    this.#end(
      this.#ended ? undefined : { kind: "threw", exitCode: 134, lines: [`the CPU was lost: ${error.message}`] },
    );
  }

  #end(ending: EndingReport | undefined): void {
    if (this.#ended) return;
    this.#ended = true;
    for (const timer of this.#timers) clearTimeout(timer);
    this.#streams.stop();
    this.#pending?.reject(new MachineFault("ended", "the program has ended"));
    this.#finish(ending);
  }

  #scheduleReEntries(): void {
    for (const delay of RE_ENTRIES_MS) {
      const timer = setTimeout(() => {
        this.#request({ type: "re-enter" }).catch(() => {}); // it ended first: nothing is lost
      }, delay);
      timer.unref();
      this.#timers.push(timer);
    }
  }
}

/** The worker's file: beside this one, as TypeScript in the sources and as JavaScript in a build. */
function cpuFile(): URL {
  const source = new URL("./cpu-node.ts", import.meta.url);
  return existsSync(fileURLToPath(source)) ? source : new URL("./cpu-node.js", import.meta.url);
}

function toFault({ code, message }: FaultData): CpuFault {
  return new CpuFault(code, message);
}
