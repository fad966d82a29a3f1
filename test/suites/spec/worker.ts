// The thread that runs one script.

import { parentPort, workerData } from "node:worker_threads";
import { runScript } from "./run.ts";

parentPort!.postMessage(runScript(workerData as string));
