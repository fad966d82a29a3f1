// The torture of a system from outside: which supervisor, both runs, and what differs.
import { Worker } from "node:worker_threads";
import type { Strategy } from "../../rtcr/index.ts";
import { CliFailure, EXIT } from "../failure.ts";
import { readInputText } from "../files.ts";
import { inScratch } from "../scratch.ts";
import { readSystemConfig } from "../system/check.ts";
import { readSystemModules } from "../system/modules.ts";
import { chosenSupervisor } from "../system/plan.ts";
import { choosePoints } from "./choose.ts";
import { type CompareRules, compareJourneys, filesOf, inOrder } from "./compare-journeys.ts";
import { STACK_MB, siblingFile } from "./in-worker.ts";
import { runStep } from "./step-process.ts";
import { type LegStart, type SystemJourney, type SystemJourneySpec, throughLegs } from "./system.ts";
import type { SystemStepOrder, SystemStepResult } from "./system-step.ts";
import type { TortureOptions } from "./torture.ts";

export interface SystemTortureOptions {
  readonly file: string;
  readonly roms: readonly string[];
  /** The label of the one to be tortured; undefined: the only outermost one. */
  readonly supervisor: string | undefined;
  readonly choice: TortureOptions["choice"];
  readonly strategy: Strategy;
  /** `SystemJourneySpec.memoryFiles` */
  readonly memoryFiles: boolean;
  /** What is compared, and on how many CPUs (`SystemJourneySpec.cpus`). */
  readonly rules: CompareRules;
  /** `SystemJourneySpec.inPlace` */
  readonly inPlace: boolean;
  /** `SystemJourneySpec.increments` */
  readonly increments: number | undefined;
  readonly redundant: boolean;
  /** `SystemJourneySpec.standby` */
  readonly standby: boolean;
  /** Each leg is a process of its own, which has the checkpoint from a directory store. */
  readonly freshProcess: boolean;
}

/** What --json prints. */
export interface SystemTortureReport {
  readonly system: string;
  readonly supervisor: string;
  readonly strategy: Strategy;
  readonly every?: number;
  readonly points?: number;
  readonly seed?: number;
  /** Safe points that the uninterrupted run passed. */
  readonly safePoints: number;
  /** Points at which the tortured run was frozen and restored. */
  readonly taken: number;
  readonly lines: number;
  /** Of the machine. */
  readonly cpus: number;
  /** All lines were compared in their order; otherwise each component's own. */
  readonly inOrder: boolean;
  /** Restored by the supervisor that has taken the checkpoint; otherwise in a fresh system. */
  readonly inPlace: boolean;
  /** Restored in a process of its own each time. */
  readonly freshProcess: boolean;
  /** Restores that stood by until all was ready. */
  readonly stoodBy: number;
  /** Of their children those that stood by for the checkpoint before first. */
  readonly renewed: number;
  /** Points whose checkpoints were increments, each the same as a full one. */
  readonly increments: number;
  /** Files and directories that the children had in the end. */
  readonly files: number;
  readonly identical: boolean;
  readonly difference?: string;
  readonly uninterruptedMs: number;
  readonly torturedMs: number;
}

/** @throws CliFailure when the configuration has faults, no supervisor or several, or a run could not come to its end */
export async function tortureSystem(options: SystemTortureOptions): Promise<SystemTortureReport> {
  const { file, roms, choice, strategy, memoryFiles, rules, inPlace, increments, redundant, standby, freshProcess } =
    options;
  const { cpus } = rules;
  const modules = readSystemModules(file, roms);
  const config = readSystemConfig(file, modules);
  const supervisor = chosenSupervisor(file, readInputText(file), options.supervisor).label;
  const spec: SystemJourneySpec = { config, modules, supervisor, strategy, memoryFiles, cpus, points: "none" };
  const begin = performance.now();
  const uninterrupted = await travel(spec);
  const between = performance.now();
  const torturedSpec = { ...spec, inPlace, increments, redundant, standby, points: pointsOf(choice, uninterrupted) };
  const tortured = await (freshProcess ? travelFresh(options, torturedSpec) : travel(torturedSpec));
  const end = performance.now();
  const differs = compareJourneys(uninterrupted, tortured, rules);
  const difference = differs && ((await unstable(spec, uninterrupted, rules)) ?? differs);
  return {
    ...{ system: file, supervisor, strategy, ...choice },
    ...{ safePoints: uninterrupted.passed, taken: tortured.taken.length, lines: uninterrupted.lines.length },
    ...{
      cpus,
      inOrder: inOrder(rules),
      inPlace,
      freshProcess,
      stoodBy: tortured.stoodBy,
      renewed: tortured.renewed,
      increments: tortured.increments,
      files: filesOf(uninterrupted).size,
    },
    ...{ identical: difference === undefined, ...(difference === undefined ? {} : { difference }) },
    ...{ uninterruptedMs: Math.round(between - begin), torturedMs: Math.round(end - between) },
  };
}

function pointsOf(choice: TortureOptions["choice"], { passed }: SystemJourney): SystemJourneySpec["points"] {
  return "every" in choice ? choice : choosePoints(choice.points, passed, choice.seed);
}

/** With several CPUs: whether another uninterrupted run differs, too. Then it is no restore that does it. */
async function unstable(
  spec: SystemJourneySpec,
  first: SystemJourney,
  rules: CompareRules,
): Promise<string | undefined> {
  if (rules.cpus === 1) return undefined;
  const differs = compareJourneys(first, await travel(spec), rules);
  return (
    differs &&
    `two uninterrupted runs differ, so nothing follows (--ignore, --by and --rising say what does): ${differs}`
  );
}

/** A process for each leg. @throws CliFailure as the first that fails */
function travelFresh(
  { file, roms }: SystemTortureOptions,
  { config: _, modules: __, ...spec }: SystemJourneySpec,
): Promise<SystemJourney> {
  const script = siblingFile(import.meta.url, "system-step");
  return inScratch("torture", (folder) =>
    throughLegs(async (start: LegStart<string>) => {
      const order = { file, roms, spec, start };
      const result = await runStep<SystemStepOrder, SystemStepResult>(script, folder, order);
      if ("leg" in result) return result.leg;
      const { exitCode, message, hint } = result.failure;
      throw new CliFailure(exitCode, message, hint);
    }),
  );
}

/** @throws CliFailure as the worker says */
async function travel(spec: SystemJourneySpec): Promise<SystemJourney> {
  const worker = new Worker(siblingFile(import.meta.url, "system-worker"), {
    workerData: spec,
    resourceLimits: { stackSizeMb: STACK_MB },
  });
  interface Report {
    readonly journey?: SystemJourney;
    readonly failure?: { readonly exitCode: number; readonly message: string; readonly hint?: string };
  }
  const report = await new Promise<Report>((resolve, reject) => {
    worker.once("message", resolve);
    worker.once("error", reject);
    worker.once("exit", (code) =>
      reject(new CliFailure(EXIT.failed, `the worker of the torture ended with ${code}, expected a report`)),
    );
  });
  await worker.terminate();
  if (report.journey) return report.journey;
  const { exitCode = EXIT.failed, message = "no journey", hint } = report.failure ?? {};
  throw new CliFailure(exitCode, message, hint);
}

/** The report for people. */
export function describeSystemTorture(report: SystemTortureReport): string {
  const { safePoints, taken, seed, lines, files, cpus, difference, strategy, increments } = report;
  const seeded = seed === undefined ? "" : `, seed ${seed}`;
  const verdict = difference ?? (taken === 0 ? "failed: no point was taken, expected at least one" : "identical");
  const own = "each component's own lines in their order";
  const order = report.inOrder ? "all lines in their order" : cpus === 1 ? own : `${cpus} CPUs: ${own}`;
  const where = report.inPlace ? ", in place" : report.freshProcess ? ", in fresh processes" : "";
  const stood = report.stoodBy === 0 ? "" : `, ${report.stoodBy} restores stood by, ${report.renewed} renewed`;
  const equal = increments === 0 ? "" : `, ${increments} increments as full checkpoints are`;
  const inFiles = files === 0 ? "" : `, ${files} files`;
  return [
    `uninterrupted  ${safePoints} safe points passed  ${report.uninterruptedMs} ms  ${lines} lines`,
    `tortured       ${taken} points taken${seeded}  ${report.torturedMs} ms  ${strategy}${where}${stood}${equal}`,
    `compared       ${order}, exit values${inFiles}`,
    verdict,
    "",
  ].join("\n");
}
