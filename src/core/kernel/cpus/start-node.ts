// Starts CPUs as worker threads of Node.
import { readdirSync } from "node:fs";
import { MessageChannel, receiveMessageOnPort, Worker } from "node:worker_threads";
import { messageOf } from "../../../util/index.ts";
import type { StartCpu, StartedCpu } from "./protocol.ts";

/** The stack of a CPU, as that of CPU 0 is when systems run by the command line. */
const STACK_MB = 64;
const FILE = new URL(`./cpu-node${import.meta.url.endsWith(".ts") ? ".ts" : ".js"}`, import.meta.url);

export const startNodeCpu: StartCpu = (setup, lost) => startWorker(FILE, { stackSizeMb: STACK_MB }, setup, lost);

/** The same with other limits, or another file (as `cpu-node`). */
export function nodeCpuWith({ file = FILE, ...limits }: { readonly file?: URL } & Limits): StartCpu {
  return (setup, lost) => startWorker(file, { stackSizeMb: STACK_MB, ...limits }, setup, lost);
}

interface Limits {
  readonly stackSizeMb?: number;
  readonly maxOldGenerationSizeMb?: number;
}

function startWorker(file: URL, resourceLimits: Limits, ...[setup, lost]: Parameters<StartCpu>): StartedCpu {
  const { port1, port2 } = new MessageChannel();
  const others = new Set(hostThreads());
  const worker = new Worker(file, {
    workerData: { setup, port: port2 },
    transferList: [port2],
    resourceLimits,
    name: `rtcr CPU ${setup.number}`,
  });
  // Its thread, and any other that has begun in this moment.
  const started = hostThreads().filter((id) => !others.has(id));
  worker.unref();
  worker.once("error", (error) => lost(`CPU ${setup.number} has failed: ${messageOf(error)}`));
  worker.once("exit", (code) => lost(`CPU ${setup.number} has ended with ${code}`));
  return {
    post: (message) => port1.postMessage(message),
    receive: () => receiveMessageOnPort(port1)?.message as unknown,
    keepAlive: (alive) => {
      if (alive) worker.ref();
      else worker.unref();
    },
    terminate: () => void worker.terminate(),
    ended: () => started.length > 0 && !hostThreads().some((id) => started.includes(id)),
  };
}

/** The host's threads of this process, by number; none where it does not tell them. */
function hostThreads(): readonly string[] {
  try {
    return readdirSync("/proc/self/task");
  } catch {
    return [];
  }
}
