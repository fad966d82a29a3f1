// Runs a journey in a worker of this process.

import { Worker } from "node:worker_threads";
import { CliFailure } from "../failure.ts";
import type { Choice, Journey } from "./journey.ts";
import type { RigSpec } from "./rig.ts";

/** The stack of a CPU, as the supervisor gives it. */
export const STACK_MB = 64;

interface WorkerReport {
  readonly journey?: Journey;
  readonly failure?: { readonly exitCode: number; readonly message: string; readonly hint?: string };
}

/**
 * @param stackMb of the CPU: what a program that exhausts its stack passes on the way grows with it
 * @throws CliFailure when the program cannot be run at all
 */
export async function travelInWorker(
  given: RigSpec,
  choice: Choice,
  listSites: boolean,
  stackMb = STACK_MB,
): Promise<Journey> {
  const worker = new Worker(siblingFile(import.meta.url, "worker"), {
    workerData: { given, choice, listSites },
    resourceLimits: { stackSizeMb: stackMb },
  });
  const report = await new Promise<WorkerReport>((resolve, reject) => {
    worker.once("message", resolve);
    worker.once("error", reject);
    worker.once("exit", (code) =>
      reject(new CliFailure(1, `the worker of the torture ended with ${code}, expected a report`)),
    );
  });
  await worker.terminate();
  if (report.journey) return report.journey;
  const { exitCode = 1, message = "no journey", hint } = report.failure ?? {};
  throw new CliFailure(exitCode, message, hint);
}

/** A file beside another one: TypeScript in the sources, JavaScript in a build. */
export function siblingFile(of: string, name: string): URL {
  return new URL(`./${name}${of.endsWith(".ts") ? ".ts" : ".js"}`, of);
}
