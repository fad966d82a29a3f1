// The thread that a tortured system runs in: threads can be given a stack, a process's main thread cannot.

import { parentPort, workerData } from "node:worker_threads";
import { toFailure } from "../failure.ts";
import { type SystemJourneySpec, travelSystem } from "./system.ts";

try {
  parentPort?.postMessage({ journey: await travelSystem(workerData as SystemJourneySpec) });
} catch (thrown) {
  const { exitCode, message, hint } = toFailure(thrown);
  parentPort?.postMessage({ failure: { exitCode, message, hint } });
}
