// The supervisor of one WASI run under Node: its CPU is a worker thread, its standard streams are the process's.

import { existsSync } from "node:fs";
import type { Server } from "node:net";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import { openStandardStreams, SocketHost } from "../core/index-node.ts";
import { MachineFault } from "./faults.ts";
import type { CpuData, Report, Resumption, RunSpec } from "./protocol.ts";
import { type CpuEvents, type CpuLink, RunSupervisor } from "./supervisor.ts";

export interface SupervisorOptions {
  readonly module: Uint8Array;
  /** SHA-256 of the module, hexadecimal. */
  readonly hash: string;
  readonly spec: RunSpec;
  readonly resumption?: Resumption | undefined;
  /** Sockets that the program may accept connections from, listening already; see SocketHost. The caller's to close. */
  readonly servers?: readonly Server[];
  /** Folder that keeps rewritten modules; it exists. */
  readonly cache?: string;
  /** Enter loops anew after a start or a thaw (default: true). */
  readonly reEnter?: boolean;
}

/** It lives in the main thread, which also receives the program's input. */
export class Supervisor extends RunSupervisor {
  /**
   * Starts a run, or takes up a captured one.
   *
   * @throws CpuFault with the code of whatever refused it; nothing runs then
   */
  static start(options: SupervisorOptions): Promise<Supervisor> {
    return new Supervisor((events) => startCpu(options, events)).started(options.reEnter !== false);
  }
}

function startCpu({ servers = [], ...load }: SupervisorOptions, events: CpuEvents): CpuLink {
  const { module, hash, spec, resumption, cache } = load;
  const { streams, stop } = openStandardStreams(() => events.wake());
  const host = servers.length > 0 ? new SocketHost(servers, () => events.wake()) : undefined;
  const sockets = host && { port: host.attach(), addresses: host.addresses };
  const data: CpuData = { module, hash, spec, streams, sockets, cache, resumption };
  const worker = new Worker(cpuFile(), {
    workerData: data,
    transferList: sockets ? [sockets.port] : [],
    stdout: false,
    stderr: false,
    resourceLimits: { stackSizeMb: 64 },
  });
  worker.on("message", (report: Report) => events.report(report));
  worker.on("error", (error) => events.lost(error as Error));
  worker.on("exit", () => events.lost(new MachineFault("ended", "the CPU has ended")));
  return {
    post: (request) => worker.postMessage(request),
    terminate: () => worker.terminate(),
    stop: () => {
      stop();
      host?.detach();
    },
  };
}

/** The worker's file: beside this one, as TypeScript in the sources and as JavaScript in a build. */
function cpuFile(): URL {
  const source = new URL("./cpu-node.ts", import.meta.url);
  return existsSync(fileURLToPath(source)) ? source : new URL("./cpu-node.js", import.meta.url);
}
