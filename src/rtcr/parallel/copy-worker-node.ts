// The file of a copy worker's thread under Node.
import { parentPort, workerData } from "node:worker_threads";
import { type CopyTask, workAt } from "./copy-task.ts";

const { number } = workerData as { readonly number: number };

parentPort?.on("message", (task: CopyTask) => workAt(task, number));
