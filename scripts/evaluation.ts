// `npm run evaluation`: the thesis's chapter 6 again. Writes docs/EVALUATION.md and the figures of its appendix C.
//
//   npm run evaluation [-- --rounds N] [--out FOLDER]
//
// All programs and both strategies take turns, in another order each round; the first round warms up, and its first runs
// are table 6.1. Each round has five runs of each, after two that are thrown away.
import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { cpus, loadavg } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import type { BenchmarkRun } from "../bench/evaluation/benchmark.ts";
import { type Durations, durationsOf, figuresOf, type ProgramFigures } from "../bench/evaluation/figures.ts";
import { PROGRAMS, type Program, type Results } from "../bench/evaluation/relations.ts";
import { writeReport } from "../bench/evaluation/report.ts";
import { runBenchmark } from "../bench/evaluation/run-benchmark.ts";
import { positiveWhole } from "../bench/positive.ts";
import { analyzeProfiles, Recorder } from "../src/profile/index.ts";
import { plotProfile } from "../src/profile/plot.ts";
import { STRATEGIES, type Strategy } from "../src/rtcr/index.ts";
import { buildComponents, componentNamed } from "./build-guests.ts";

/** What the plotting library says to screen readers of each block; the tables say it better. */
const ARIA = / (aria-label|aria-roledescription|role)="[^"]*"/g;
const REPETITIONS = 5;
const WARM_UP = 2;

interface Job {
  readonly program: Program;
  readonly strategy: Strategy;
  /** Restores stand by, and are told to go on when all is ready. */
  readonly standby: boolean;
}

const { values } = parseArgs({
  options: { rounds: { type: "string", default: "8" }, out: { type: "string", default: "docs" } },
});
await main(positiveWhole(values.rounds, "--rounds"), values.out);

async function main(rounds: number, out: string): Promise<void> {
  await buildComponents(PROGRAMS.map(componentNamed));
  const jobs: Job[] = PROGRAMS.flatMap((program) =>
    STRATEGIES.flatMap((strategy) => [false, true].map((standby) => ({ program, strategy, standby }))),
  );
  const single = new Map<string, Durations>();
  for (const job of jobs) {
    const [run] = await measure(job, 1, 0);
    if (run) single.set(keyOf(job), durationsOf(run));
  }
  const runs = new Map(jobs.map((job) => [keyOf(job), [] as BenchmarkRun[]]));
  const loads = [loadavg()[0]!];
  for (let round = 0; round < rounds; round++) {
    for (const job of shuffled(jobs)) runs.get(keyOf(job))!.push(...(await measure(job, REPETITIONS, WARM_UP)));
    loads.push(loadavg()[0]!);
    console.error(`round ${round + 1} of ${rounds}, load ${loads.at(-1)!.toFixed(1)}`);
  }
  const resultsOf = (strategy: Strategy, standby = false) =>
    Object.fromEntries(
      PROGRAMS.map((program): [Program, ProgramFigures] => [
        program,
        figuresOf(runs.get(keyOf({ program, strategy, standby }))!),
      ]),
    ) as Results;
  for (const job of jobs.filter(({ standby }) => !standby)) await plot(job, runs.get(keyOf(job))!, out);
  const report = writeReport({
    ...{ a: resultsOf("bootstrap"), b: resultsOf("direct"), ...emptyScopes() },
    standing: { a: resultsOf("bootstrap", true), b: resultsOf("direct", true) },
    single: (program) => single.get(keyOf({ program, strategy: "bootstrap", standby: false }))!,
    ...{ machine: machine(), load: `${Math.min(...loads).toFixed(1)} to ${Math.max(...loads).toFixed(1)}` },
    ...{ date: new Date().toISOString().slice(0, 10), commit: commit() },
  });
  writeFileSync(join(out, "EVALUATION.md"), report.text);
  for (const { name, holds, found } of report.relations)
    console.log(`${holds ? "holds" : "DOES NOT HOLD"}: ${name}: ${found}`);
}

function measure({ program, ...how }: Job, repetitions: number, warmUp: number): Promise<readonly BenchmarkRun[]> {
  return runBenchmark({ child: program, ...how, repetitions, warmUp });
}

/** The mean of all runs, as in appendix C. */
async function plot(job: Job, runs: readonly BenchmarkRun[], out: string): Promise<void> {
  const named = runs.map(({ profile }, i) => ({ what: `run ${i}`, profile }));
  const { results } = analyzeProfiles(named);
  const { program, strategy } = job;
  const title = `${program}, strategy ${strategy}: mean of ${runs.length} runs`;
  const hundredth = (us: number) => Math.round(us * 100) / 100; // no longer numbers in the file than can be seen
  const instances = results.instances.map((one) => ({
    ...one,
    start: hundredth(one.start),
    stop: hundredth(one.stop),
  }));
  for (const [palette, folder] of [
    ["thesis", "."],
    ["colour-blind", "colour-blind"],
  ] as const) {
    const svg = (await plotProfile({ ...results, instances }, { title, palette }))
      .replaceAll(ARIA, "")
      .replace(/^<svg [^>]*>/, `$&<title>${title}</title>`);
    mkdirSync(join(out, "evaluation", folder), { recursive: true });
    writeFileSync(join(out, "evaluation", folder, `${keyOf(job)}.svg`), svg);
  }
}

/** The profiler's own test of the thesis: 10,000 empty scopes, one after the other (elapsed_time). */
function emptyScopes(): { readonly emptyScopeUs: number; readonly clockStepUs: number } {
  const count = 10_000;
  const recorder = new Recorder("empty", { capacity: count });
  for (let i = 0; i < count; i++) recorder.end(recorder.begin("empty", "gray"));
  const us = recorder.scopes().map(({ startNs, stopNs }) => (stopNs - startNs) / 1000);
  const sorted = us.toSorted((x, y) => x - y);
  return { emptyScopeUs: sorted[count >> 1]!, clockStepUs: sorted.find((step) => step > 0)! };
}

function machine(): string {
  const [cpu] = cpus();
  return `${cpus().length} cores (${cpu?.model.trim() ?? "unknown"}), ${process.platform}, Node ${process.version}, V8 ${process.versions.v8}`;
}

function commit(): string {
  try {
    return execFileSync("git", ["rev-parse", "--short", "HEAD"], { encoding: "utf8" }).trim();
  } catch {
    return "unknown";
  }
}

function keyOf({ program, strategy, standby }: Job): string {
  return `${program}-${strategy}${standby ? "-standby" : ""}`;
}

function shuffled<T>(items: readonly T[]): T[] {
  return items
    .map((item) => ({ item, key: Math.random() }))
    .sort((a, b) => a.key - b.key)
    .map(({ item }) => item);
}
