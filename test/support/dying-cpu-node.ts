// The file of a CPU's worker thread that ends when it is asked for `exit` or `memory`, as if these were functions of engines.
import { type MessagePort, receiveMessageOnPort, workerData } from "node:worker_threads";
import type { CpuSetup, Posted } from "../../src/core/kernel/cpus/protocol.ts";
import { runCpu } from "../../src/core/kernel/cpus/worker.ts";

const { setup, port } = workerData as { readonly setup: CpuSetup; readonly port: MessagePort };

const ENDS: Readonly<Record<string, () => void>> = {
  exit: () => process.exit(1),
  memory: () => {
    for (const all: number[][] = []; ; ) all.push(new Array(100_000).fill(0.5));
  },
};

runCpu(setup, {
  post: (message) => port.postMessage(message),
  receive: () => {
    const posted = receiveMessageOnPort(port)?.message as Posted | undefined;
    if (posted?.command.type === "engine") ENDS[posted.command.name]?.();
    return posted;
  },
});
