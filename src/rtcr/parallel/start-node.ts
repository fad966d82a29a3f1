// Starts copy workers as worker threads of Node.
import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import { CopyPool, type CopyPoolOptions, type StartCopyWorker } from "./copy-pool.ts";

/** More do not copy faster: memory is the limit. */
const MOST = 4;

export const startNodeCopyWorker: StartCopyWorker = (number, lost) => {
  const file = new URL(`./copy-worker-node${import.meta.url.endsWith(".ts") ? ".ts" : ".js"}`, import.meta.url);
  const worker = new Worker(file, { workerData: { number }, name: `rtcr copy worker ${number}` });
  worker.unref();
  worker.once("error", ({ message }: Error) => lost(message));
  worker.once("exit", (code) => lost(`it has ended with ${code}`));
  return {
    post: (task) => worker.postMessage(task),
    terminate: async () => void (await worker.terminate()),
  };
};

/** A worker for each processor beside the supervisor's, at least one. */
export function startNodeCopyPool(options: Partial<CopyPoolOptions> = {}): CopyPool {
  const workers = Math.min(MOST, Math.max(1, availableParallelism() - 1));
  return new CopyPool({ start: startNodeCopyWorker, workers, ...options });
}
