// A whole run under torture in fresh processes: each leg is a process of its own, states lie in a directory store.

import { mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { siblingFile } from "./in-worker.ts";
import { type Choice, type Journey, nextPoint, type TakenPoint } from "./journey.ts";
import { stuckAt } from "./leg.ts";
import type { RigSpec } from "./rig.ts";
import type { StepOrder, StepResult } from "./step.ts";
import { runStep } from "./step-process.ts";

/** Runs a program to its end, a process for each leg. `folder` is empty and stays the caller's. */
export async function travelFresh(given: RigSpec, choice: Choice, folder: string): Promise<Journey> {
  const { stdin = new Uint8Array() } = given;
  const paths = prepare(given.module, stdin, folder);
  const taken: TakenPoint[] = [];
  const visited = new Set<string>();
  let order: Pick<StepOrder, "from" | "passed" | "stuck"> = { passed: 0, stuck: 0 };
  for (;;) {
    const { hash, spec, cache } = given;
    const result = await runStep<StepOrder, StepResult>(siblingFile(import.meta.url, "step"), folder, {
      ...paths,
      hash,
      spec,
      cache,
      ...order,
      until: nextPoint(choice, order.passed),
    });
    const [stdout, stderr] = (["stdout", "stderr"] as const).map((name) => readOutput(folder, name));
    const journey = { passed: order.passed, taken, visited: [...visited], sites: 0, stdin };
    const output = { stdout: stdout!, stderr: stderr! };
    if (result.kind === "ended") return { ...journey, outcome: { ...result.ending, ...output }, passed: result.passed };
    if (result.kind === "failed") {
      const outcome = { kind: "stopped", exitCode: 134, message: "", ...output } as const;
      return { ...journey, outcome, failure: result.message };
    }
    const { point, id } = result;
    const stuck = stuckAt(taken.at(-1), point, order.stuck);
    const [stdoutBytes, stderrBytes] = ["stdout", "stderr"].map((name) => statSync(join(folder, name)).size);
    taken.push({ ...point, stdoutBytes: stdoutBytes!, stderrBytes: stderrBytes! });
    for (const place of result.visited) visited.add(place);
    order = { from: id, passed: point.number, stuck };
  }
}

function prepare(module: Uint8Array, stdin: Uint8Array, folder: string): Pick<StepOrder, "module" | "stdin"> {
  mkdirSync(folder, { recursive: true });
  for (const name of ["stdout", "stderr"]) writeFileSync(join(folder, name), "");
  const paths = { module: join(folder, "module.wasm"), stdin: join(folder, "stdin") };
  writeFileSync(paths.module, module);
  writeFileSync(paths.stdin, stdin);
  return paths;
}

function readOutput(folder: string, name: string): Uint8Array {
  return new Uint8Array(readFileSync(join(folder, name)));
}
