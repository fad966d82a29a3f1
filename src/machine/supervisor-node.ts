// The supervisor of one WASI run under Node: its CPU is a worker thread, its standard streams are the process's.

import { existsSync } from "node:fs";
import type { Server } from "node:net";
import { fileURLToPath } from "node:url";
import { Worker, type WorkerOptions } from "node:worker_threads";
// By name: a command that starts a program soon has no time for what else is there.
import { SocketHost } from "../core/socket-host-node.ts";
import { openStandardStreams } from "../core/standard-streams-node.ts";
import { nodePageHelpers } from "../store/page-helpers-node.ts";
import { required } from "../util/index.ts";
import { ArenaPool } from "./arenas.ts";
import { MachineFault } from "./faults.ts";
import type { CpuData, ExpectedProgram, Report, Resumption, RunSpec, SpareData } from "./protocol.ts";
import { type CpuEvents, type CpuLink, type FillMemory, RunSupervisor } from "./supervisor.ts";

export interface SupervisorOptions {
  readonly module: Uint8Array;
  /** SHA-256 of the module, hexadecimal. */
  readonly hash: string;
  readonly spec: RunSpec;
  readonly resumption?: Resumption | undefined;
  /** Brings the memory contents of a resumption that is unfilled. */
  readonly fill?: FillMemory | undefined;
  /** Sockets that the program may accept connections from, listening already; see SocketHost. The caller's to close. */
  readonly servers?: readonly Server[];
  /** Folder that keeps rewritten modules; it exists. */
  readonly cache?: string | undefined;
  /** A CPU that is there already; it is used up. Default: a new one, which takes as long as a worker's start does. */
  readonly spare?: SpareCpu | undefined;
  /** Enter loops anew after a start or a thaw (default: true). */
  readonly reEnter?: boolean;
}

/**
 * A CPU that is started before it is known what it will run: a restore then begins at once. Whoever takes it has to start
 * the next one; one that is not taken is to be disposed of.
 */
export class SpareCpu {
  #worker: Worker | undefined;
  /** It has failed, or ended, before anything ran. */
  #failed = false;

  private constructor(worker: Worker) {
    this.#worker = worker;
    worker.once("error", this.#fail);
    worker.once("exit", this.#fail);
  }

  readonly #fail = (): void => {
    this.#failed = true;
  };

  /**
   * Resolves when it waits for something to run; rejects if the worker could not be started.
   *
   * @param expected a program that it will probably run: it is loaded ahead, nothing of it runs
   * @param rehearse whether it prepares itself; not worth it where it is needed at once
   */
  static start(expected?: ExpectedProgram, rehearse = true): Promise<SpareCpu> {
    if (rehearse) nodePageHelpers.start(); // a restore needs them too
    const data: SpareData = { spare: true, rehearse, expected };
    const worker = startWorker({ workerData: data });
    return new Promise((resolve, reject) => {
      worker.once("error", reject);
      worker.once("exit", (code) => reject(new MachineFault("ended", `the spare CPU has ended with ${code}`)));
      worker.once("message", () => resolve(new SpareCpu(worker)));
    });
  }

  /** Its worker, for the one start that it is good for; undefined if it has failed while it waited. */
  take(): Worker | undefined {
    const worker = required(this.#worker, "a spare CPU that was not used");
    this.#worker = undefined;
    return this.#failed ? undefined : worker;
  }

  /** Ends it, unless it was taken. */
  async dispose(): Promise<void> {
    await this.#worker?.terminate();
    this.#worker = undefined;
  }
}

/** It lives in the main thread, which also receives the program's input. */
export class Supervisor extends RunSupervisor {
  /**
   * Starts a run, or takes up a captured one.
   *
   * @throws CpuFault with the code of whatever refused it; nothing runs then
   */
  static start(options: SupervisorOptions): Promise<Supervisor> {
    const arenas = new ArenaPool((bytes) => nodePageHelpers.touch(bytes));
    const parts = { fill: options.fill, arenas };
    return new Supervisor((events) => startCpu(options, events), parts).started(options.reEnter !== false);
  }
}

function startWorker(options: WorkerOptions): Worker {
  return new Worker(cpuFile(), { ...options, stdout: false, stderr: false, resourceLimits: { stackSizeMb: 64 } });
}

function startCpu({ servers = [], spare, ...load }: SupervisorOptions, events: CpuEvents): CpuLink {
  const { module, hash, spec, resumption, cache } = load;
  const { streams, stop } = openStandardStreams(() => events.wake());
  const host = servers.length > 0 ? new SocketHost(servers, () => events.wake()) : undefined;
  const sockets = host && { port: host.attach(), addresses: host.addresses };
  const data: CpuData = { module, hash, spec, streams, sockets, cache, resumption };
  const transferList = sockets ? [sockets.port] : [];
  const ready = spare?.take();
  ready?.postMessage(data, transferList);
  const worker = ready ?? startWorker({ workerData: data, transferList });
  worker.on("message", (report: Report) => events.report(report));
  worker.on("error", (error) => events.lost(error as Error));
  worker.on("exit", () => events.lost(new MachineFault("ended", "the CPU has ended")));
  return {
    post: (request) => worker.postMessage(request),
    terminate: () => {
      host?.detach();
      return worker.terminate();
    },
    stop: (byItself) => {
      stop();
      return byItself ? host?.finish() : host?.detach();
    },
  };
}

/** The worker's file: beside this one, as TypeScript in the sources and as JavaScript in a build. */
function cpuFile(): URL {
  const source = new URL("./cpu-node.ts", import.meta.url);
  return existsSync(fileURLToPath(source)) ? source : new URL("./cpu-node.js", import.meta.url);
}
