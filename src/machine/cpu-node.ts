// The CPU of a run under Node: a worker thread's file. A spare one (supervisor-node.ts) is started without anything to
// run; it says when it is there, and what comes then is its data.

import { parentPort, workerData } from "node:worker_threads";
import { cachedPrograms } from "../core/program-cache-node.ts";
import { required } from "../util/index.ts";
import { RequestQueue, runCpu } from "./cpu.ts";
import type { CpuData, Report, Request } from "./protocol.ts";
import { openSessions } from "./sessions-node.ts";

const port = required(parentPort, "a parent: this file is a worker's");
const data = (workerData as CpuData | null) ?? (await assigned());
const requests = new RequestQueue();
port.on("message", (request: Request) => requests.push(request));

await runCpu({
  load: data,
  requests,
  post: (report: Report, transfer) => port.postMessage(report, transfer ?? []),
  ...(data.cache === undefined ? {} : { loadProgram: cachedPrograms(data.cache) }),
  openSessions: () => openSessions(data),
});
port.close();

function assigned(): Promise<CpuData> {
  return new Promise((resolve) => {
    port.once("message", resolve);
    port.postMessage("spare");
  });
}
