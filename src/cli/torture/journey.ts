// A whole run under torture, in one process: leg after leg, with the state through the image codec in between.

import type { Checkpoint } from "../../checkpoint/index.ts";
import type { ProgramState } from "../../machine/index-node.ts";
import { loadCheckpoint, nodeSha256, openMemoryStore, type Store, saveCheckpoint } from "../../store/index-node.ts";
import { messageOf } from "../../util/index.ts";
import { type LegResult, type Point, runLeg, stuckAt } from "./leg.ts";
import { type Outcome, outcomeOf } from "./outcome.ts";
import { type OutputSink, Rig, type RigSpec } from "./rig.ts";
import { sitesOf } from "./sites.ts";

/** At which safe points a run is frozen: every n-th, or those listed (ascending), or none: it is only counted. */
export type Choice = { readonly every: number } | { readonly points: readonly number[] } | { readonly none: true };

/** What a run came to. */
export interface Journey {
  readonly outcome: Outcome;
  /** Safe points passed. */
  readonly passed: number;
  /** The points at which it was frozen, with the output that was there by then. */
  readonly taken: readonly TakenPoint[];
  /** `function position` of every frame of every frozen stack. */
  readonly visited: readonly string[];
  /** How many sites there are at which a frame can stand; 0: not counted. */
  readonly sites: number;
  /** Standard input as the program was given it. */
  readonly stdin: Uint8Array;
  /** Those at which none stood, as `visited`; only when asked for. */
  readonly unreached?: readonly string[];
  /** What stopped the torture; the outcome is then that of the moment before. */
  readonly failure?: string;
}

export interface TakenPoint extends Point {
  readonly stdoutBytes: number;
  readonly stderrBytes: number;
}

/** The number of the next safe point to freeze at, behind `passed`; undefined when none is left. */
export function nextPoint(choice: Choice, passed: number): number | undefined {
  if ("every" in choice) return passed + choice.every - (passed % choice.every);
  if ("points" in choice) return choice.points.find((point) => point > passed);
  return undefined;
}

/** Output as it is collected. */
export class Output {
  readonly stdout: Uint8Array[] = [];
  readonly stderr: Uint8Array[] = [];
  readonly bytes = { stdout: 0, stderr: 0 };

  readonly sink: OutputSink = (stream, bytes) => {
    this[stream].push(bytes);
    this.bytes[stream] += bytes.length;
  };
}

/**
 * Runs a program to its end.
 *
 * @param listSites list the sites that were not reached, too
 * @throws what refuses to run the program at all; whatever stops a run that is frozen is the journey's failure
 */
export async function travel(given: RigSpec, choice: Choice, listSites = false): Promise<Journey> {
  const output = new Output();
  const rig = new Rig(given, output.sink);
  const taken: TakenPoint[] = [];
  const visited = new Set<string>();
  const { loops, entries, calls, operations } = rig.loaded.statistics;
  const done = (outcome: Outcome, passed: number, failure?: string): Journey => ({
    ...{ outcome, passed, taken, visited: [...visited], sites: loops + entries + calls + operations },
    stdin: rig.input,
    ...(failure === undefined ? {} : { failure }),
    ...(listSites ? { unreached: sitesOf(rig.loaded).filter((place) => !visited.has(place)) } : {}),
  });
  let from: ProgramState | undefined;
  let passed = 0;
  let stuck = 0;
  try {
    for (;;) {
      const result: LegResult = runLeg(rig, { from, passed, until: nextPoint(choice, passed), stuck });
      if (result.kind === "ended") return done(outcomeOf(result.ending, output), result.passed);
      const { point } = result;
      passed = point.number;
      stuck = stuckAt(taken.at(-1), point, stuck);
      taken.push({ ...point, stdoutBytes: output.bytes.stdout, stderrBytes: output.bytes.stderr });
      for (const place of result.visited) visited.add(place);
      from = await throughImage(openMemoryStore({ sha256: nodeSha256 }), result.state);
    }
  } catch (thrown) {
    if ("none" in choice) throw thrown;
    return done(outcomeOf(undefined, output), passed, messageOf(thrown));
  }
}

/** A state as a store gives it back. */
async function throughImage(store: Store, state: ProgramState): Promise<ProgramState> {
  await saveState(store, state);
  return loadState(store, "latest");
}

/** Stores a state; its id. */
export async function saveState(store: Store, { group, wasi }: ProgramState): Promise<string> {
  const created = new Date(0).toISOString();
  const checkpoint: Checkpoint = { created, name: "torture", program: null, group, sessions: { wasi } };
  const { root } = await saveCheckpoint(store, checkpoint, { sha256: nodeSha256 });
  return root.id;
}

export async function loadState(store: Store, reference: string): Promise<ProgramState> {
  const { group, sessions } = await loadCheckpoint(store, reference, { sha256: nodeSha256 });
  return { group, wasi: sessions["wasi"] ?? null };
}
