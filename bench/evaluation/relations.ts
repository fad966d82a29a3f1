// The relations that a sound rebuild of the thesis's system satisfies (spec 5.5): in bytes and counts, which are the same
// on every machine, and in times, as medians over runs.
import { overheadOf, type ProgramFigures } from "./figures.ts";

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

/** Share by which figures that should be equal may differ. */
const EQUAL = 0.25;
/** Bytes that all bootstraps leave on the stack between them: the difference of two programs may differ by so many. */
const FRAME_BYTES = 64;
/** Most that a restore may add to an allocation, beside the copy: a share of the longer time (thesis table 6.5). */
export const OVERHEAD = 0.3;

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
      name: "every second instance goes on where the first was stopped",
      found: PROGRAMS.map((name) => (a[name].continued ? "yes" : name)).join(", "),
      holds: PROGRAMS.every((name) => a[name].continued),
    },
  ];
}

/** Relations in time. */
export function timeRelations(a: Results, b: Results): readonly Relation[] {
  const median = (results: Results, program: Program, figure: keyof ProgramFigures["statistics"]) =>
    results[program].statistics[figure].median;
  const larger = (name: string, [more, less]: readonly [number, number]): Relation => ({
    name,
    found: `${us(more)} and ${us(less)}`,
    holds: more > less,
  });
  const bootstraps = PROGRAMS.slice(1).map((program) => median(a, program, "bootstrap"));
  const overheads = PROGRAMS.slice(1).map((program) => overheadOf(a[program]).withoutCopy);
  const spread = Math.max(...bootstraps) / Math.min(...bootstraps) - 1;
  const copy = "stackMemcpy" as const;
  const total = "totalRestore" as const;
  return [
    larger("copying the stack of large_stack_counter takes longer than that of stack_counter (A)", [
      median(a, "large_stack_counter", copy),
      median(a, "stack_counter", copy),
    ]),
    larger("small_dataspaces takes longer in all than large_dataspaces (A)", [
      median(a, "small_dataspaces", total),
      median(a, "large_dataspaces", total),
    ]),
    larger("small_dataspaces takes longer in all than large_dataspaces (B)", [
      median(b, "small_dataspaces", total),
      median(b, "large_dataspaces", total),
    ]),
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

function us(value: number): string {
  return `${value.toFixed(value < 100 ? 1 : 0)} µs`;
}
