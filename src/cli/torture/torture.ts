// One torture: the uninterrupted run, the tortured run, each on its own copy of the directories, and what differs.

import { cpSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import type { HostDirectory } from "../../core/host-files/index-node.ts";
import type { RunSpec } from "../../machine/index-node.ts";
import { inScratch } from "../scratch.ts";
import { choosePoints } from "./choose.ts";
import { travelFresh } from "./fresh.ts";
import { travelInWorker } from "./in-worker.ts";
import type { Choice, Journey, TakenPoint } from "./journey.ts";
import { compareOutcomes, compareTrees, type Difference } from "./outcome.ts";
import { readTree, type Tree } from "./tree.ts";

export interface TortureOptions {
  readonly module: Uint8Array;
  readonly hash: string;
  readonly spec: RunSpec;
  /** Absent: this process's own, read to its end when the uninterrupted run first asks for input. */
  readonly stdin?: Uint8Array | undefined;
  /** Every n-th safe point, or so many random ones. */
  readonly choice: { readonly every: number } | { readonly points: number; readonly seed: number };
  readonly freshProcess: boolean;
  /** List the sites that were not reached. */
  readonly listSites: boolean;
  /** Of both runs in this process. Default: that of a CPU. */
  readonly stackMb?: number;
}

export interface TortureResult {
  readonly uninterrupted: Journey;
  readonly tortured: Journey;
  readonly uninterruptedMs: number;
  readonly torturedMs: number;
  readonly difference?: Difference | undefined;
  /** The last safe point before the difference. */
  readonly point?: TakenPoint | undefined;
}

/** @throws CliFailure, faults: when the program cannot be run at all */
export function torture(options: TortureOptions): Promise<TortureResult> {
  return inScratch("torture", (folder) => tortureIn(folder, options));
}

async function tortureIn(folder: string, options: TortureOptions): Promise<TortureResult> {
  const plain = copyDirectories(options.spec, join(folder, "plain"));
  const own = copyDirectories(options.spec, join(folder, "tortured"));
  const cache = join(folder, "cache");
  mkdirSync(cache);
  const begin = performance.now();
  const uninterrupted = await travelInWorker(
    { ...options, spec: plain, cache },
    { none: true },
    false,
    options.stackMb,
  );
  const between = performance.now();
  const choice = chosen(options.choice, uninterrupted.passed);
  const given = { ...options, spec: own, cache, stdin: uninterrupted.stdin };
  const tortured = options.freshProcess
    ? await travelFresh(given, choice, join(folder, "legs"))
    : await travelInWorker(given, choice, options.listSites, options.stackMb);
  const times = { uninterruptedMs: between - begin, torturedMs: performance.now() - between };
  const difference = differenceOf(uninterrupted, tortured, plain, own);
  const point = difference && pointBefore(tortured.taken, difference);
  return { uninterrupted, tortured, ...times, difference, point };
}

function chosen(choice: TortureOptions["choice"], last: number): Choice {
  return "every" in choice ? choice : { points: choosePoints(choice.points, last, choice.seed) };
}

/** The run's own copies, with a journal where it may write. */
function copyDirectories(spec: RunSpec, folder: string): RunSpec {
  if (spec.directories.length === 0) return spec;
  const directories = spec.directories.map((directory, index): HostDirectory => {
    const hostPath = join(folder, String(index));
    cpSync(directory.hostPath, hostPath, { recursive: true, verbatimSymlinks: true, preserveTimestamps: true });
    return { ...directory, hostPath };
  });
  const journal = join(folder, "journal");
  mkdirSync(journal, { recursive: true });
  return { ...spec, directories, journal };
}

function differenceOf(expected: Journey, found: Journey, plain: RunSpec, own: RunSpec): Difference | undefined {
  if (found.failure !== undefined) return { what: "ending", text: `stopped: ${found.failure}` };
  return compareOutcomes(expected.outcome, found.outcome) ?? compareTrees(treeOf(plain), treeOf(own));
}

function treeOf({ directories }: RunSpec): Tree {
  return new Map(directories.flatMap(({ hostPath, guestPath }) => [...readTree(hostPath, guestPath)]));
}

/** The last point with no more output than what is alike; for all else the last one. */
function pointBefore(taken: readonly TakenPoint[], { what, offset }: Difference): TakenPoint | undefined {
  if (offset === undefined || (what !== "stdout" && what !== "stderr")) return taken.at(-1);
  return taken.findLast((point) => point[`${what}Bytes`] <= offset);
}
