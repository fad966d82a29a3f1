// Threads of scripts (threads proposal): the commands of a `thread` run in a JavaScript thread of their own, in a world
// of their own that shares one module's memories with the thread that began it.

import { Worker } from "node:worker_threads";
import type { Check } from "../report.ts";
import type { Command } from "./script.ts";
import type { SharedExports, Way } from "./world.ts";

export interface SharedModule {
  /** What the script calls it. */
  readonly name: string;
  readonly exports: SharedExports;
}

export interface ThreadJob {
  /** The JSON file of the script. */
  readonly file: string;
  readonly way: Way;
  readonly commands: readonly Command[];
  readonly module: SharedModule | undefined;
}

/** Begins a thread; the checks of its commands. Its process ends it when it hangs. */
export function startThread(job: ThreadJob): Promise<Check[]> {
  const worker = new Worker(new URL("./thread-worker.ts", import.meta.url), { workerData: job });
  return new Promise((resolve, reject) => {
    worker.once("message", resolve);
    worker.once("error", reject);
  });
}
