// The relations that a sound rebuild of the thesis's system satisfies (spec 5.5): in bytes and counts, which are the same
// on every machine, and in times, as medians over runs.
import { median } from "../measure.ts";
import { type Figure, overheadOf, type ProgramFigures } from "./figures.ts";

export const PROGRAMS = [
  "sheep_counter",
  "stack_counter",
  "large_stack_counter",
  "small_dataspaces",
  "large_dataspaces",
] as const;
export type Program = (typeof PROGRAMS)[number];

/** By program, of strategy A. */
export type Results = Readonly<Record<Program, ProgramFigures>>;

export interface Relation {
  readonly name: string;
  readonly found: string;
  readonly holds: boolean;
}

/** Runs without which no figure is valid (spec row S120). */
const RUNS = 20;
/** Standard deviations of the rank sum beyond which an order is not chance: that comes once in 700 times. */
const DEVIATIONS = 3;
/** By the thesis restoring many small dataspaces takes as many times as long as one large one (table 6.2). */
const MANY = 3.8;
/** Share by which figures that should be equal may differ. */
const EQUAL = 0.25;
/** Bytes that all bootstraps leave on the stack between them: the difference of two programs may differ by so many. */
const FRAME_BYTES = 64;
/** Most that a restore may add to an allocation, beside the copy: a share of the longer time (thesis table 6.5). */
export const OVERHEAD = 0.3;

/** Whether what was measured can bear the other relations (thesis 7.7). */
export function measurement(results: readonly Results[], clockStepUs: number): readonly Relation[] {
  const runs = Math.min(...results.flatMap((each) => PROGRAMS.map((name) => each[name].statistics.totalRestore.runs)));
  return [
    { name: `${RUNS} runs or more of each program and strategy`, found: `${runs} at least`, holds: runs >= RUNS },
    {
      name: "the clock resolves a microsecond",
      found: `its least step is ${(clockStepUs * 1000).toFixed(0)} ns`,
      holds: clockStepUs <= 1,
    },
  ];
}

/** Relations in bytes and counts. */
export function byteRelations(a: Results): readonly Relation[] {
  const { stack_counter: sc, large_stack_counter: lsc, small_dataspaces: sd, large_dataspaces: ld } = a;
  const rests = PROGRAMS.map((name) => a[name].stackBytes - a[name].repairedBytes);
  const spread = Math.max(...rests) - Math.min(...rests);
  return [
    {
      name: "a larger stack is repaired with more bytes",
      found: `large_stack_counter ${lsc.repairedBytes}, stack_counter ${sc.repairedBytes} bytes`,
      holds: lsc.repairedBytes - sc.repairedBytes > 60_000,
    },
    {
      name: "repaired bytes grow with the used stack, byte by byte",
      found: `used minus repaired: ${rests.join(", ")} bytes`,
      holds: spread <= FRAME_BYTES,
    },
    {
      name: "small_dataspaces has 99 dataspaces more than large_dataspaces, and as many bytes in them",
      found: `${sd.dataspaces} and ${ld.dataspaces} dataspaces, ${sd.contentBytes} and ${ld.contentBytes} bytes`,
      holds: sd.dataspaces - ld.dataspaces === 99 && Math.abs(sd.contentBytes - ld.contentBytes) < 4096,
    },
    {
      name: "one of 100 pages of large_dataspaces' dataspace holds something, each of small_dataspaces' 100 does",
      found: `${ld.usedPages} of ${ld.pages} and ${sd.usedPages} of ${sd.pages} pages, stacks included`,
      holds: ld.pages === sd.pages && sd.usedPages - ld.usedPages === 99,
    },
    {
      name: "every second instance goes on where the first was stopped",
      found: PROGRAMS.map((name) => (a[name].continued ? "yes" : name)).join(", "),
      holds: PROGRAMS.every((name) => a[name].continued),
    },
  ];
}

/** Relations in time. */
export function timeRelations(a: Results, b: Results): readonly Relation[] {
  const bootstraps = PROGRAMS.slice(1).map((program) => a[program].statistics.bootstrap.median);
  const overheads = PROGRAMS.slice(1).map((program) => overheadOf(a[program]).withoutCopy);
  const spread = Math.max(...bootstraps) / Math.min(...bootstraps) - 1;
  const longer = (name: string, figure: Figure, results: Results, [more, less]: readonly [Program, Program]) =>
    larger(
      `${more} takes longer than ${less}: ${name}`,
      results[more].durations.map((run) => run[figure]),
      results[less].durations.map((run) => run[figure]),
    );
  const allocating = (program: Program) => a[program].statistics.allocationRestore.median;
  const many = allocating("small_dataspaces") / allocating("large_dataspaces");
  return [
    longer("copying the stack (A)", "stackMemcpy", a, ["large_stack_counter", "stack_counter"]),
    longer("total restore (A)", "totalRestore", a, ["small_dataspaces", "large_dataspaces"]),
    longer("total restore (B)", "totalRestore", b, ["small_dataspaces", "large_dataspaces"]),
    {
      name: `the cost of each dataspace dominates its bytes: allocation with restore, small_dataspaces ${MANY} times large_dataspaces (A)`,
      found: `${many.toFixed(1)} times`,
      holds: many >= MANY,
    },
    {
      name: `bootstrap is equal for the thesis's four programs, within ${EQUAL * 100} %`,
      found: bootstraps.map(us).join(", "),
      holds: spread <= EQUAL,
    },
    {
      name: `allocation with restore minus copy is close to plain allocation: overhead of ${OVERHEAD * 100} % at most (A)`,
      found: overheads.map((share) => `${(share * 100).toFixed(1)} %`).join(", "),
      holds: overheads.every((share) => share <= OVERHEAD),
    },
  ];
}

/** Whether one is larger than the other beyond chance, by the rank sum of Mann and Whitney: outliers do not decide. */
export function larger(name: string, more: readonly number[], less: readonly number[]): Relation {
  const wins = more.reduce((sum, x) => sum + less.reduce((won, y) => won + (x > y ? 1 : x === y ? 0.5 : 0), 0), 0);
  const pairs = more.length * less.length;
  const deviations = (wins - pairs / 2) / Math.sqrt((pairs * (more.length + less.length + 1)) / 12);
  return {
    name,
    found: `${us(median(more))} and ${us(median(less))}; larger in ${((100 * wins) / pairs).toFixed(0)} % of all pairs of runs`,
    holds: deviations > DEVIATIONS,
  };
}

function us(value: number): string {
  return `${value.toFixed(value < 100 ? 1 : 0)} µs`;
}
