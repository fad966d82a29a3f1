// The thread that a tortured program runs in: threads can be given a stack, a process's main thread cannot.

import { parentPort, workerData } from "node:worker_threads";
import { toFailure } from "../failure.ts";
import { type Choice, travel } from "./journey.ts";
import type { RigSpec } from "./rig.ts";

const { given, choice, listSites } = workerData as {
  readonly given: RigSpec;
  readonly choice: Choice;
  readonly listSites: boolean;
};
try {
  parentPort?.postMessage({ journey: await travel(given, choice, listSites) });
} catch (thrown) {
  const { exitCode, message, hint } = toFailure(thrown);
  parentPort?.postMessage({ failure: { exitCode, message, hint } });
}
