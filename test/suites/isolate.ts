// Runs a job in a thread of its own and ends it after a deadline: what a suite tests may loop for ever or take the
// whole process's memory with it.

import { Worker } from "node:worker_threads";

export interface JobOptions {
  readonly deadlineMs: number;
}

/**
 * Starts `module`, which posts one message: the result.
 *
 * @throws Error when the thread fails, ends without a result or misses its deadline
 */
export function runIsolated<Result>(module: URL, data: unknown, { deadlineMs }: JobOptions): Promise<Result> {
  const worker = new Worker(module, { workerData: data });
  return new Promise<Result>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`no end within ${deadlineMs / 1000} s`)), deadlineMs);
    worker.once("message", resolve);
    worker.once("error", reject);
    worker.once("exit", (code) => reject(new Error(`the thread ended with ${code} and without a result`)));
    worker.once("exit", () => clearTimeout(timer));
  }).finally(() => worker.terminate());
}
