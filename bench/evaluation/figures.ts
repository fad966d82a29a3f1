// What the tables of the thesis's chapter 6 are made of: durations of one run by the definitions of spec 5.3 and 5.5, and
// statistics of them over runs. Microseconds and bytes.
import { type ProfileInstance, type Statistics, statistics } from "../../src/profile/index.ts";
import type { BenchmarkRun } from "./benchmark.ts";

/** The rows of tables 6.1 to 6.5 that are measured. */
export const FIGURES = [
  "allocation",
  "allocationRestore",
  "memcpy",
  "dataspaceMemcpy",
  "allocationAndCopy",
  "firstWrite",
  "copyAlone",
  "stackRepair",
  "stackMemcpy",
  "totalRestore",
  "threadRestore",
  "bootstrap",
  "checkpoint",
  "look",
  "paused",
  "firstLine",
] as const;
export type Figure = (typeof FIGURES)[number];

/** Microseconds. */
export type Durations = Readonly<Record<Figure, number>>;

export interface ProgramFigures {
  readonly statistics: Readonly<Record<Figure, Statistics>>;
  /** Of each run. */
  readonly durations: readonly Durations[];
  /** Bytes, of one run: the same in all. */
  readonly stackBytes: number;
  /** Of the stack of `ep`: between the stack pointers, and above the barrier, where it was not as recorded. */
  readonly repairedBytes: number;
  readonly replacedBytes: number;
  readonly dataspaces: number;
  readonly contentBytes: number;
  /** Pages of 4 KiB that the dataspaces have. */
  readonly pages: number;
  /** Those that hold something. */
  readonly usedPages: number;
  readonly allocations: number;
  readonly copies: number;
  /** Whether every run's second instance went on where the first was stopped. */
  readonly continued: boolean;
}

/** @throws RangeError if the run has no restore */
export function durationsOf({ profile, firstLineMs, memory }: BenchmarkRun): Durations {
  const named = (name: string) => profile.instances.filter((instance) => instance.name === name);
  const sum = (list: readonly ProfileInstance[]) => list.reduce((total, { start, stop }) => total + stop - start, 0);
  const [restore] = named("Thread Restore");
  const restored = named("Dataspace Allocation and Restore");
  const repairs = named("Stack Repair");
  const [checkpoint] = named("Checkpoint");
  const resumed = named("Resume")[0];
  const paused = named("Pause")[0];
  if (!restore || !restored[0] || !checkpoint || !resumed || !paused) throw new RangeError("the run has no restore");
  const copies = named("Memcpy");
  const copiesIn = (outer: readonly ProfileInstance[]) =>
    sum(copies.filter(({ start, stop }) => outer.some((scope) => scope.start <= start && stop <= scope.stop)));
  const allocationRestore = sum(restored);
  const stackMemcpy = copiesIn(repairs);
  const dataspaceMemcpy = sum(copies) - copiesIn(named("Program Data")) - stackMemcpy;
  const total = restore.stop - Math.min(restore.start, restored[0].start);
  const threadRestore = restore.stop - restore.start;
  return {
    ...{ allocation: sum(named("Dataspace Allocation")), allocationRestore },
    ...{ memcpy: sum(copies), dataspaceMemcpy, allocationAndCopy: allocationRestore + dataspaceMemcpy },
    ...{ firstWrite: memory.firstWriteUs, copyAlone: memory.copyUs },
    ...{ stackRepair: sum(repairs), stackMemcpy },
    ...{ totalRestore: total, threadRestore, bootstrap: total - threadRestore },
    ...{
      checkpoint: checkpoint.stop - checkpoint.start,
      look: sum(named("Look for Zeros")),
      paused: resumed.stop - paused.start,
    },
    firstLine: firstLineMs * 1000,
  };
}

/** Shares of the longer time, of medians (thesis table 6.5). */
export interface Overhead {
  /** As the thesis defines it: stacks are copied by Stack Repair. */
  readonly withCopy: number;
  /** With the copies of Stack Repair. */
  readonly withStacks: number;
  readonly withoutCopy: number;
  /** Had the copies gone to memory that was touched before. */
  readonly touched: number;
  /** With the first write of each page on both sides: in the plain run it is the program's. */
  readonly withFirstWrites: number;
}

export function overheadOf({ statistics }: ProgramFigures): Overhead {
  const median = (figure: Figure) => statistics[figure].median;
  const [plain, restored] = [median("allocation"), median("allocationRestore")];
  const copied = restored + median("copyAlone");
  return {
    withCopy: 1 - plain / median("allocationAndCopy"),
    withStacks: 1 - plain / (median("allocationAndCopy") + median("stackMemcpy")),
    withoutCopy: 1 - plain / restored,
    touched: 1 - plain / copied,
    withFirstWrites: 1 - (plain + median("firstWrite")) / (copied + median("firstWrite")),
  };
}

/** @param runs of one program and strategy */
export function figuresOf(runs: readonly BenchmarkRun[]): ProgramFigures {
  const [first] = runs;
  if (!first) throw new RangeError("expected a run");
  const durations = runs.map(durationsOf);
  const all = FIGURES.map((figure) => [figure, statistics(durations.map((one) => one[figure]))] as const);
  const { stackBytes, repairs, dataspaces, contentBytes, memory, profile } = first;
  const ep = repairs.find(({ thread }) => thread === "ep");
  const count = (name: string) => profile.instances.filter((instance) => instance.name === name).length;
  return {
    statistics: Object.fromEntries(all) as Record<Figure, Statistics>,
    durations,
    ...{ stackBytes, dataspaces, contentBytes, pages: memory.pages, usedPages: memory.usedPages },
    repairedBytes: ep?.repaired ?? 0,
    replacedBytes: ep?.replaced ?? 0,
    allocations: count("Dataspace Allocation"),
    copies: count("Memcpy"),
    continued: runs.every(goesOn),
  };
}

/** The second instance's first lines are those that the first one logged after the checkpoint. */
export function goesOn({ meanwhile, after }: BenchmarkRun): boolean {
  const common = Math.min(meanwhile.length, after.length);
  return common > 0 && meanwhile.slice(0, common).every((line, i) => line === after[i]);
}
