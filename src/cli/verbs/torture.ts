// `rtcr torture`: proves that a program does not notice being frozen, stored, discarded and restored.

import { randomInt } from "node:crypto";
import { basename } from "node:path";
import { messageOf } from "../../util/index.ts";
import { decodeModule, functionName } from "../../wasm/index.ts";
import { type Command, count, flag, type Io, text, texts, type Values } from "../command.ts";
import { EXIT, usageError } from "../failure.ts";
import { readInput } from "../files.ts";
import { readDirectory, readVariable } from "../given.ts";
import { readModule } from "../modules.ts";
import { printJson } from "../print.ts";
import { readCpus, readStrategy } from "../system/options.ts";
import type { CompareRules } from "../torture/compare-journeys.ts";
import type { TakenPoint } from "../torture/journey.ts";
import { type TortureOptions, type TortureResult, torture as tortureProgram } from "../torture/torture.ts";
import { describeSystemTorture, tortureSystem } from "../torture/torture-system.ts";

export const torture: Command = {
  name: "torture",
  summary: "compare a run that is frozen and restored again and again with an uninterrupted one",
  usage:
    "[options] PROGRAM.wasm [args...] | [--every N | --points K --seed S] [--supervisor LABEL] [--strategy ...] [--cpus N] [--in-place | --fresh-process] [--standby] [--increments K [--redundant]] [--ignore REGEX] [--by REGEX] [--rising REGEX] [--memory-fs] [--rom NAME=FILE] SYSTEM.xml",
  help: `
Runs a program twice: once uninterrupted, and once frozen, serialised, discarded and restored at every N-th safe point
or at K random ones. Compares standard output and error, the exit code and the files in the given directories. Prints
how many points were taken and how many of the sites at which a frame can stand were reached. Exits with 0 when both
runs are identical, else with 1 and the first difference and the last safe point before it. No point taken is a failure.

  --every N                every N-th safe point (default: 1)
  --points K               K random safe points instead, of those that the uninterrupted run passes
  --seed S                 of the random numbers; printed when not given
  --fresh-process          restore in a new process each time, from a directory store
  --dir HOST[::GUEST][:ro] give the program a copy of a directory; may be repeated. Both runs have their own
  --memory-fs              give the program an empty directory / in memory; in a system, each its own /data
  --env NAME=VALUE         set an environment variable; may be repeated
  --stdin FILE             standard input (default: this process's, read to its end if the program asks for input)
  --verbose                list the sites that were not reached, by function and position
  --json                   print the result as JSON

With a file that ends in .xml it is the children of the system's supervisor (program rtcr) that are frozen together, stored,
discarded with their system, and continued in a fresh one; what they log, their exit values and their files are compared.
They must end. The points are those of the children's threads.

  --supervisor "LABEL"     the one whose children are frozen, as "init -> inner -> rtcr", at any depth (default: the only
                           one that is not beneath another; a wrong label is refused with a list of those that there are)
  --strategy direct|bootstrap
                           how children are recreated (default: direct); with a bootstrap points before its end are
                           passed over
  --in-place               the supervisor restores its children itself, and the rest of the system stays
  --fresh-process          each restore is in a process of its own, as by rtcr restore, from a directory store
  --standby                each restore stands by (<restore standby="yes"/>) until its memory is ready, first for the
                           checkpoint before, then for its own, and is told to go on
  --increments K           checkpoints are increments (module inc), each compared with a full one of the same moment; of
                           K + 1 points the last is restored from, at the others the children go on. With module inc in
                           the supervisor's own <config> they are compared, too
  --redundant              with --increments: they come from redundant memory (module red) instead
  --rom NAME=FILE          another ROM module; may be repeated
  --cpus N                 N CPUs, over which <affinity> places the children (default: 1). What is compared then is each
                           component's own lines in their order, exit values and files: not the order of lines of
                           different components, which several CPUs do not promise. When runs differ a further one
                           that is not interrupted says whether these differ, too

What a component logs of others, or several of its threads of themselves, may differ from run to run on several CPUs. Then
these say what is compared of each component's lines (REGEX is matched against the text behind the label):

  --ignore REGEX           leave out what matches, and lines of which nothing is left; may be repeated
  --by REGEX               only those lines with each other, in their order, for which the groups match the same: with
                           "^(thread [0-9]+)" what each thread says
  --rising REGEX           not the lines that match; the group must be a number, and never fall in a component's lines

Both runs see a clock that counts and random numbers that repeat. A clock counts how often it is asked, which a frozen
wait does once more: programs that print times may differ by that.`,
  options: {
    every: { type: "string" },
    points: { type: "string" },
    seed: { type: "string" },
    "fresh-process": { type: "boolean" },
    dir: { type: "string", multiple: true },
    "memory-fs": { type: "boolean" },
    env: { type: "string", multiple: true },
    stdin: { type: "string" },
    verbose: { type: "boolean" },
    json: { type: "boolean" },
    supervisor: { type: "string" },
    strategy: { type: "string" },
    rom: { type: "string", multiple: true },
    cpus: { type: "string" },
    "in-place": { type: "boolean" },
    standby: { type: "boolean" },
    increments: { type: "string" },
    redundant: { type: "boolean" },
    ignore: { type: "string", multiple: true },
    by: { type: "string" },
    rising: { type: "string" },
  },
  operands: [1, Infinity],
  program: true,
  run: async ({ values, positionals, io }) => {
    const [file, ...args] = positionals as [string, ...string[]];
    if (file.endsWith(".xml")) return tortureOfSystem(file, args, values, io);
    const only = SYSTEM_ONLY.find((name) => values[name] !== undefined);
    if (only) throw usageError(`--${only} is for systems (SYSTEM.xml), found ${file}`, "torture");
    const { bytes, hash } = readModule(file);
    const stdin = text(values, "stdin");
    const options: TortureOptions = {
      ...{ module: bytes, hash, stdin: stdin === undefined ? undefined : readInput(stdin) },
      choice: readChoice(values),
      freshProcess: flag(values, "fresh-process"),
      listSites: flag(values, "verbose"),
      spec: {
        args: [basename(file), ...args],
        environment: texts(values, "env").map(readVariable),
        directories: texts(values, "dir").map(readDirectory),
        memoryDirectories: flag(values, "memory-fs") ? ["/"] : [],
        holdOutput: false,
        deterministic: true,
      },
    };
    const result = await tortureProgram(options);
    const report = toReport(file, options, result);
    if (flag(values, "json")) printJson(io, report);
    else io.out(describe(report));
    return report.identical && report.taken > 0 ? EXIT.done : EXIT.failed;
  },
};

const CHOICE: readonly string[] = ["every", "points", "seed"];
const RULES: readonly string[] = ["ignore", "by", "rising"];
/** Those of systems alone, and those of both. */
const SYSTEM_ONLY: readonly string[] = [
  "supervisor",
  "strategy",
  "rom",
  "cpus",
  "in-place",
  "standby",
  "increments",
  "redundant",
  ...RULES,
];
const SYSTEM_OPTIONS: readonly string[] = [...CHOICE, ...SYSTEM_ONLY, "fresh-process", "memory-fs", "json"];

async function tortureOfSystem(file: string, args: readonly string[], values: Values, io: Io): Promise<number> {
  const foreign = Object.keys(values).find((name) => !SYSTEM_OPTIONS.includes(name));
  if (foreign) {
    const known = SYSTEM_OPTIONS.join(", --");
    throw usageError(`--${foreign} is for programs, a system takes --${known}`, "torture");
  }
  if (args.length > 0) throw usageError(`arguments behind SYSTEM.xml: ${args.join(" ")}, expected none`, "torture");
  const [inPlace, freshProcess] = [flag(values, "in-place"), flag(values, "fresh-process")];
  if (inPlace && freshProcess) throw usageError("--in-place and --fresh-process, expected one of them", "torture");
  if (flag(values, "redundant") && text(values, "increments") === undefined)
    throw usageError("--redundant is for --increments K", "torture");
  const strategy = readStrategy(text(values, "strategy"), "torture");
  const report = await tortureSystem({
    ...{ file, roms: texts(values, "rom"), choice: readChoice(values), strategy },
    supervisor: text(values, "supervisor"),
    ...{ memoryFiles: flag(values, "memory-fs"), rules: readRules(values) },
    ...{ inPlace, freshProcess, standby: flag(values, "standby") },
    increments: count(values, "increments", 0),
    redundant: flag(values, "redundant"),
  });
  if (flag(values, "json")) printJson(io, report);
  else io.out(describeSystemTorture(report));
  return report.identical && report.taken > 0 ? EXIT.done : EXIT.failed;
}

function readRules(values: Values): CompareRules {
  const expression = (name: string, given: string, flags?: string) => {
    try {
      return new RegExp(given, flags);
    } catch (thrown) {
      throw usageError(`--${name} ${given}: ${messageOf(thrown)}`, "torture");
    }
  };
  const [by, rising] = ["by", "rising"].map((name) => {
    const given = text(values, name);
    if (given === undefined) return undefined;
    const found = expression(name, given);
    if (groupsOf(found) === 0) throw usageError(`--${name} ${given}: no group ( ), expected one`, "torture");
    return found;
  });
  const ignore = texts(values, "ignore").map((given) => expression("ignore", given, "g"));
  return { cpus: readCpus(text(values, "cpus"), "torture") ?? 1, ignore, by, rising };
}

/** How many there are, whatever is matched. */
function groupsOf({ source }: RegExp): number {
  return new RegExp(`${source}|`).exec("")!.length - 1;
}

function readChoice(values: Values): TortureOptions["choice"] {
  const [every, points, seed] = [count(values, "every", 1), count(values, "points", 1), count(values, "seed", 0)];
  if (every !== undefined && points !== undefined)
    throw usageError("--every and --points, expected one of them", "torture");
  if (seed !== undefined && points === undefined) throw usageError("--seed is for --points K", "torture");
  if (points === undefined) return { every: every ?? 1 };
  return { points, seed: seed ?? randomInt(2 ** 32) };
}

/** What --json prints. */
interface TortureReport {
  readonly program: string;
  readonly every?: number;
  readonly points?: number;
  readonly seed?: number;
  /** Safe points that the uninterrupted run passed. */
  readonly safePoints: number;
  /** Points at which the tortured run was frozen and restored. */
  readonly taken: number;
  /** Sites at which a frame can stand, and those at which one stood; absent with --fresh-process. */
  readonly sites?: number;
  readonly reached: number;
  readonly unreached?: readonly string[];
  readonly identical: boolean;
  readonly difference?: string;
  readonly point?: string;
  readonly ending: string;
  readonly uninterruptedMs: number;
  readonly torturedMs: number;
}

function toReport(program: string, { choice, module }: TortureOptions, result: TortureResult): TortureReport {
  const { uninterrupted, tortured, difference, point } = result;
  const names = decodeModule(module);
  const place = (text: string) => {
    const [index, position] = text.split(" ").map(Number) as [number, number];
    return `${functionName(names, index)} at ${position}`;
  };
  return {
    ...{ program, ...choice, safePoints: uninterrupted.passed, taken: tortured.taken.length },
    ...(tortured.sites > 0 ? { sites: tortured.sites } : {}),
    reached: tortured.visited.length,
    ...(tortured.unreached ? { unreached: tortured.unreached.map(place) } : {}),
    identical: difference === undefined,
    ...(difference ? { difference: difference.text } : {}),
    ...(point ? { point: describePoint(point, place) } : {}),
    ending: `${uninterrupted.outcome.kind}, exit code ${uninterrupted.outcome.exitCode}`,
    uninterruptedMs: Math.round(result.uninterruptedMs),
    torturedMs: Math.round(result.torturedMs),
  };
}

function describePoint(point: TakenPoint, place: (text: string) => string): string {
  const where =
    point.function === undefined ? "before the first call" : `in ${place(`${point.function} ${point.position}`)}`;
  const call = point.hostCall === undefined ? "" : `, calling ${point.hostCall}`;
  return `safe point ${point.number}, ${where}${call}, ${point.depth} frames deep`;
}

function describe(report: TortureReport): string {
  const { safePoints, taken, reached, sites, difference, point, seed, ending } = report;
  const lines = [
    `uninterrupted  ${safePoints} safe points passed  ${report.uninterruptedMs} ms  ${ending}`,
    `tortured       ${taken} points taken${seed === undefined ? "" : `, seed ${seed}`}  ${report.torturedMs} ms`,
    `sites          ${reached}${sites === undefined ? "" : ` of ${sites}`} reached`,
    ...(report.unreached ?? []).map((place) => `  not reached: ${place}`),
  ];
  if (difference !== undefined) lines.push(difference, ...(point === undefined ? [] : [`  after ${point}`]));
  else lines.push(taken === 0 ? "failed: no point was taken, expected at least one" : "identical");
  return `${lines.join("\n")}\n`;
}
