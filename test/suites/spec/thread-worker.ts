// The JavaScript thread of one thread of a script.

import { parentPort, workerData } from "node:worker_threads";
import { runThread } from "./run.ts";
import type { ThreadJob } from "./thread.ts";

parentPort!.postMessage(await runThread(workerData as ThreadJob));
