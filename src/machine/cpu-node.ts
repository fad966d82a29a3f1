// The CPU of a run under Node: a worker thread's file. A spare one (supervisor-node.ts) is started without anything to
// run; it says when it is there, and what comes then is its data.

import { parentPort, workerData } from "node:worker_threads";
import { type CachedProgram, cachedPrograms } from "../core/program-cache-node.ts";
import { required } from "../util/index.ts";
import { RequestQueue, runCpu } from "./cpu.ts";
import type { CpuData, ExpectedProgram, Report, Request, SpareData } from "./protocol.ts";
import { memoryVolumes, openSessions } from "./sessions-node.ts";

const port = required(parentPort, "a parent: this file is a worker's");
const given = workerData as CpuData | SpareData;
let expected: { readonly hash: string; readonly program: CachedProgram } | undefined;
const data = "spare" in given ? await assigned(given) : given;
const requests = new RequestQueue();
port.on("message", (request: Request) => requests.push(request));

const memory = await memoryVolumes(data.spec);
await runCpu({
  load: data,
  requests,
  post: (report: Report, transfer) => port.postMessage(report, transfer ?? []),
  loadProgram: (module, hash) =>
    expected?.hash === hash ? expected.program : load({ module, hash, cache: data.cache }),
  openSessions: () => openSessions(data, memory),
});
port.close();

async function assigned({ rehearse, expected }: SpareData): Promise<CpuData> {
  if (rehearse) (await import("./rehearsal.ts")).rehearse();
  if (expected) expect(expected);
  return new Promise((resolve) => {
    port.once("message", resolve);
    port.postMessage("spare");
  });
}

/** Loads a program ahead; what is wrong with it is found again, and said, when it is to run. */
function expect(program: ExpectedProgram): void {
  try {
    expected = { hash: program.hash, program: load(program) };
    expected.program.decode();
  } catch {
    expected = undefined;
  }
}

function load({ module, hash, cache }: ExpectedProgram): CachedProgram {
  return cachedPrograms(cache)(module, hash);
}
