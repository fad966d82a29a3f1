// A process that runs one leg of a tortured run: reads what to do from a folder, leaves there what came of it.
//
//   step.json   StepOrder         stdout, stderr   appended to
//   store/      states            result.json      StepResult

import { appendFileSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { RunSpec } from "../../machine/index-node.ts";
import { openDirectoryStore } from "../../store/index-node.ts";
import { messageOf } from "../../util/index.ts";
import { loadState, saveState } from "./journey.ts";
import { type Point, runLeg } from "./leg.ts";
import { type Outcome, outcomeOf } from "./outcome.ts";
import { Rig } from "./rig.ts";
import { actAsStep } from "./step-process.ts";

export interface StepOrder {
  readonly module: string;
  readonly hash: string;
  readonly spec: RunSpec;
  readonly stdin: string;
  readonly cache: string;
  /** Id of the state to go on from. */
  readonly from?: string | undefined;
  readonly passed: number;
  readonly until: number | undefined;
  readonly stuck: number;
}

export type StepResult =
  | { readonly kind: "frozen"; readonly id: string; readonly point: Point; readonly visited: readonly string[] }
  | { readonly kind: "ended"; readonly ending: Omit<Outcome, "stdout" | "stderr">; readonly passed: number }
  | { readonly kind: "failed"; readonly message: string };

async function step(order: StepOrder, folder: string): Promise<StepResult> {
  const [module, stdin] = [order.module, order.stdin].map((path) => new Uint8Array(readFileSync(path)));
  const { hash, spec, cache, passed, until, stuck } = order;
  const rig = new Rig({ module: module!, hash, spec, cache, stdin: stdin! }, (stream, bytes) =>
    appendFileSync(join(folder, stream), bytes),
  );
  const store = await openDirectoryStore(join(folder, "store"));
  try {
    const from = order.from === undefined ? undefined : await loadState(store, order.from);
    const result = runLeg(rig, { from, passed, until, stuck });
    if (result.kind === "frozen") {
      const { point, visited } = result;
      return { kind: "frozen", id: await saveState(store, result.state), point, visited };
    }
    const { kind, exitCode, message } = outcomeOf(result.ending, { stdout: [], stderr: [] });
    return { kind: "ended", ending: { kind, exitCode, message }, passed: result.passed };
  } finally {
    await store.close();
  }
}

await actAsStep(import.meta.url, (order: StepOrder, folder) =>
  step(order, folder).catch((thrown): StepResult => ({ kind: "failed", message: messageOf(thrown) })),
);
