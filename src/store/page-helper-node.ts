// A thread that helps with pages: a worker's file (page-helpers-node.ts starts it).
import { parentPort } from "node:worker_threads";
import { type PageJob, servePiece } from "./page-jobs-node.ts";

parentPort!.on("message", (job: PageJob) => {
  try {
    while (servePiece(job));
  } finally {
    parentPort!.postMessage("done"); // what is not done is done by whoever asked
  }
});
parentPort!.postMessage("ready");
