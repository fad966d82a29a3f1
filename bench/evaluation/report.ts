// docs/EVALUATION.md: the thesis's tables 6.1 to 6.5 in shape, with spread, and what is to be said about them. Everything
// in it follows from the figures; nothing is measured here.
import type { Statistics } from "../../src/profile/index.ts";
import { anomalies, overheadsOf } from "./anomalies.ts";
import { type Durations, type Figure, overheadOf } from "./figures.ts";
import { ms, percent } from "./numbers.ts";
import {
  byteRelations,
  measurement,
  OVERHEAD,
  PROGRAMS,
  type Program,
  type Relation,
  type Results,
  timeRelations,
} from "./relations.ts";

export interface ReportInput {
  readonly a: Results;
  readonly b: Results;
  /** Restores that stood by. */
  readonly standing: { readonly a: Results; readonly b: Results };
  /** The first run of a program in the process, by strategy A. */
  readonly single: (program: Program) => Durations;
  /** What the profiler itself adds to each scope, microseconds. */
  readonly emptyScopeUs: number;
  /** Least time that two looks at the clock show between them, microseconds. */
  readonly clockStepUs: number;
  readonly machine: string;
  readonly load: string;
  readonly date: string;
  readonly commit: string;
}

const ROWS: readonly (readonly [label: string, figure: Figure])[] = [
  ["Dataspace Allocation", "allocation"],
  ["Dataspace Allocation and Restore", "allocationRestore"],
  ["Memcpy", "memcpy"],
  ["Stack Repair", "stackRepair"],
  ["Total Restore Duration", "totalRestore"],
  ["Total Thread Restore Duration", "threadRestore"],
  ["Bootstrap Duration", "bootstrap"],
];

/** Milliseconds: means of 20 runs (tables 6.2 and 6.3), single runs (6.1). */
const THESIS: Readonly<Record<string, readonly number[]>> = {
  stack_counter: [39.65, 142.65, 60.85, 54.15, 941.2, 141.7, 799.5],
  large_stack_counter: [25.85, 124.65, 53, 47, 1017.45, 141.7, 875.75],
  small_dataspaces: [324, 1948.35, 663, 54.75, 3839.55, 3049.95, 789.6],
  large_dataspaces: [51.25, 191.75, 100.2, 50.75, 1001.35, 214.5, 786.85],
};
const THESIS_SINGLE: Readonly<Record<string, readonly string[]>> = {
  stack_counter: ["7", "37", "13", "8", "242", "21", "n/a"],
  large_stack_counter: ["6", "32", "22", "7", "248", "58", "n/a"],
};
const OVERHEADS: Readonly<Record<string, readonly [withCopy: number, without: number]>> = {
  stack_counter: [72.2, 51.5],
  large_stack_counter: [79.3, 63.9],
  small_dataspaces: [83.3, 74.8],
  large_dataspaces: [73.3, 44],
};
const THESIS_STACK: Readonly<Record<string, readonly [repair: string, memcpy: string, bytes: string]>> = {
  stack_counter: ["54.15", "8.2", "1,072"],
  large_stack_counter: ["47.00", "7.85", "64,376"],
  small_dataspaces: ["54.75", "7.6", "1,504"],
  large_dataspaces: ["50.75", "10.3", "1,088"],
};
/** To reach: milliseconds. */
const TOTAL_RESTORE_MS = 10;

export function writeReport(input: ReportInput): { readonly text: string; readonly relations: readonly Relation[] } {
  const { a, b, standing, clockStepUs } = input;
  const relations = [
    ...measurement([a, b, standing.a, standing.b], clockStepUs),
    ...byteRelations(a),
    ...timeRelations(a, b),
    ...targets(input),
  ];
  const sections = [
    head(input),
    tableSingle(input),
    comparison("Table 6.2", ["stack_counter", "large_stack_counter"], input),
    comparison("Table 6.3", ["small_dataspaces", "large_dataspaces"], input),
    comparison("Not in the thesis's tables", ["sheep_counter"], input),
    tableStack(a),
    tableOverhead(a, b),
    pauses(a, b),
    standingBy(standing),
    relationTable(relations),
    anomalies(a, standing),
    graphs(),
  ];
  return { text: `${sections.join("\n\n")}\n`, relations };
}

function head({ a, machine, load, date, commit, emptyScopeUs }: ReportInput): string {
  const { runs } = a.stack_counter.statistics.totalRestore;
  return `# Evaluation

The thesis's chapter 6 again, by \`npm run evaluation\`, which writes this file: do not edit it.

${runs} runs of each program and strategy after warm-up, taking turns, on ${machine}; load ${load}; ${date}, commit ${commit}.
Ours are milliseconds as **median** (mean, 95th percentile, standard deviation). The clock resolves nanoseconds; the
profiler itself adds ${emptyScopeUs.toFixed(2)} µs to each scope. The machine is shared with other work, so that means and 95th
percentiles hold preemptions; medians are what to look at. The thesis measured under an emulator on a CPU locked to 800 MHz,
with a clock of 1 ms (spec 5.4): relations can be compared, times cannot.

A is the thesis's strategy (bootstrap, barrier, stack repair), B the direct one. Definitions are the thesis's: _Total
Restore_ from the first Allocation-and-Restore to the end of Thread Restore; _Total Thread Restore_ that scope; _Bootstrap_
the difference, which B does not have. By A the dataspaces that no bootstrap allocates are allocated as soon as it has come to
the barrier, in front of Thread Restore: in _Bootstrap_ and _Total Restore_, not in _Thread Restore_ as in the thesis.`;
}

function tableSingle({ single }: ReportInput): string {
  const names = ["stack_counter", "large_stack_counter"] as const;
  const rows = ROWS.map(([label, figure], i) => {
    const cells = names.flatMap((name) => [THESIS_SINGLE[name]![i]!, ms(single(name)[figure])]);
    return [label, ...cells];
  });
  const header = ["", ...names.flatMap((name) => [`${name}: thesis`, "A, first run in a process"])];
  return `## Table 6.1: single runs, ms\n\n${table(header, rows)}`;
}

function comparison(title: string, names: readonly Program[], { a, b }: ReportInput): string {
  const header = ["", ...names.flatMap((name) => [`${name}: thesis`, "A", "B"])];
  const rows = ROWS.map(([label, figure], i) => {
    const cells = names.flatMap((name) => {
      const thesis = THESIS[name]?.[i]?.toFixed(2) ?? "-";
      const direct = figure === "stackRepair" || figure === "bootstrap" ? "-" : spread(b[name].statistics[figure]);
      return [thesis, spread(a[name].statistics[figure]), direct];
    });
    return [label, ...cells];
  });
  return `## ${title}: ${names.join(" and ")}, ms\n\n${table(header, rows)}`;
}

function tableStack(a: Results): string {
  const rows = PROGRAMS.map((name) => {
    const { statistics, stackBytes, repairedBytes } = a[name];
    const [repair = "-", memcpy = "-", bytes = "-"] = THESIS_STACK[name] ?? [];
    const ours = [
      spread(statistics.stackRepair),
      spread(statistics.stackMemcpy),
      count(stackBytes),
      count(repairedBytes),
    ];
    return [name, repair, memcpy, bytes, ...ours];
  });
  const header = [
    "",
    "thesis: Stack Repair",
    "Memcpy",
    "stack, bytes",
    "A: Stack Repair",
    "Memcpy",
    "stack, bytes",
    "copied",
  ];
  return `## Table 6.4: stacks, ms

${stackText(a)}

${table(header, rows)}`;
}

/** @param replaced bytes above the barrier by program */
function stackText(a: Readonly<Record<string, { readonly replacedBytes: number }>>): string {
  const replaced = [...new Set(PROGRAMS.map((name) => a[name]?.replacedBytes ?? 0))].join(" or ");
  return `Of all threads; bytes are those of \`ep\`. _Copied_ is what lies between the stack pointers recorded and at the barrier.
Written besides: 128 bytes of red zone below the recorded pointer, and ${replaced} of the bytes above the barrier, the
only ones there that the bootstrap had not made as they were recorded: they are in a frame that was still active.`;
}

function tableOverhead(a: Results, b: Results): string {
  const rows = PROGRAMS.map((name) => {
    const [withCopy, without] = OVERHEADS[name] ?? [];
    const cells = [a, b].flatMap((results) => {
      const { allocation, allocationRestore, allocationAndCopy } = results[name].statistics;
      const { withCopy, withoutCopy, withStacks } = overheadOf(results[name]);
      return [
        [allocation, allocationRestore, allocationAndCopy].map(({ median }) => ms(median)).join(" / "),
        ...[withCopy, withoutCopy, ...(results === a ? [withStacks] : [])].map(percent),
      ];
    });
    const thesis = withCopy === undefined ? ["-", "-"] : [`${withCopy} %`, `${without} %`];
    return [name, ...thesis, ...cells];
  });
  const columns = (name: string) => [`${name}: plain / with restore / and copy, ms`, "overhead", "w/o Memcpy"];
  const header = ["", "thesis: overhead", "w/o Memcpy", ...columns("A"), "with Stack Repair's copies", ...columns("B")];
  return `## Table 6.5: allocation

Relative overhead as the thesis defines it: 1 - plain / with restore, of medians, with the copy of each dataspace; without
Memcpy: the allocations alone. The thesis copies in the allocation; here each dataspace is copied once, later, when
the child stands still (_Memcpy_ in _Thread Restore_), and its copy is added to its allocation in this table, so that both
shares are the thesis's. Each byte is counted once, where it is copied: A copies stacks that a bootstrap stands on in Stack
Repair (tables 6.2 to 6.4) and, unlike the thesis, not at their allocation as well; a column of its own says what the share
is with these copies. B has no Stack Repair, its copies of stacks are among those of dataspaces. What was recorded as
zero is not copied into new memory, which is zero: see _first writes_ and the anomalies. All new dataspaces of a component are
written in one loop, which is one _Memcpy_; finding which object each of them is now is in front of it. Allocations count
wherever they happen: when a restore stands by, those of A are made before it is told to go on.

${table(header, rows)}

${firstWrites(a, b)}`;
}

function firstWrites(a: Results, b: Results): string {
  const header = ["", "pages", "that hold something", "first writes, ms", "copy into them, ms"].concat(
    ["A", "B"].flatMap((name) => [`${name}: copy to touched memory`, "first writes on both sides"]),
  );
  const rows = PROGRAMS.map((name) => {
    const { firstWrite, copyAlone } = a[name].statistics;
    const shares = [a, b].flatMap((results) => {
      const { touched, withFirstWrites } = overheadOf(results[name]);
      return [touched, withFirstWrites].map(percent);
    });
    const pages = [a[name].pages, a[name].usedPages].map(count);
    return [name, ...pages, ms(firstWrite.median), ms(copyAlone.median), ...shares];
  });
  return `**First writes.** The system gives fresh memory page by page, at the first write to each. In the thesis both sides pay
that: Genode's core clears a dataspace when it is allocated (\`_clear_ds\`), with restore information or without: by the
differences between the programs of tables 6.2 and 6.3, 400 KiB took it 11.6 ms, 4 KiB 2.8. Here nothing is cleared, as memory comes
cleared from the system: a plain run pays at the program's own first write, outside of the allocation, a restored one in the
copy. Measured apart, in each run, in fresh memory of the same kind: one byte written in each page of the child's
dataspaces, stacks included, then what they hold besides zeros copied there. The shares are those of the thesis's definition
with the copy into memory that was touched before, and with the first writes added to both sides.

${table(header, rows)}`;
}

function pauses(a: Results, b: Results): string {
  const header = ["", "checkpoint", "of which paused", "A: second instance to first line", "B", "dataspaces", "bytes"];
  const rows = PROGRAMS.map((name) => {
    const { statistics, dataspaces, contentBytes } = a[name];
    const first = [statistics.firstLine, b[name].statistics.firstLine].map(spread);
    return [
      name,
      spread(statistics.checkpoint),
      spread(statistics.paused),
      ...first,
      count(dataspaces),
      count(contentBytes),
    ];
  });
  return `## Checkpoint, and the whole way to a second instance, ms

What the thesis has not: the pause, and the time from the beginning of the second supervisor to the child's first line in
it, its start by init and the program's loading included.

${table(header, rows)}`;
}

function standingBy({ a, b }: ReportInput["standing"]): string {
  const figures = (results: Results, name: Program) => {
    const { allocation, allocationRestore, allocationAndCopy, threadRestore, firstLine } = results[name].statistics;
    const { withCopy, withoutCopy } = overheadOf(results[name]);
    const times = [allocation, allocationRestore, allocationAndCopy].map(({ median }) => ms(median)).join(" / ");
    return [times, ...[withCopy, withoutCopy].map(percent), spread(threadRestore), spread(firstLine)];
  };
  const rows = PROGRAMS.map((name) => [name, ...figures(a, name), ...figures(b, name)]);
  const columns = [
    "plain / with restore / and copy, ms",
    "overhead",
    "w/o Memcpy",
    "Thread Restore",
    "told to first line",
  ];
  const header = ["", ...["A", "B"].flatMap((strategy) => columns.map((column) => `${strategy}: ${column}`))];
  return `## Standing by

A second instance that was prepared (\`<restore standby="yes"/>\`): environment, program and, by A, bootstrap and all dataspaces are
there, and the pages that hold something have been touched, when it is told to go on. The first writes to them have happened then
as they have in the thesis, where core clears memory as it allocates it; overheads are those of table 6.5, by the letter.

${table(header, rows)}`;
}

function targets({ a, b, standing }: ReportInput): readonly Relation[] {
  const all = [a, b].flatMap((results) => PROGRAMS.map((name) => results[name].statistics));
  const worst = Math.max(...all.map(({ totalRestore }) => totalRestore.median)) / 1000;
  const overheads = overheadsOf(a);
  const atMost = (name: string, shares: readonly number[], strategy = "A"): Relation => ({
    name: `to reach: relative overhead, copy included, of ${OVERHEAD * 100} % at most${name} (${strategy})`,
    found: shares.map(percent).join(", "),
    holds: shares.every((share) => share <= OVERHEAD),
  });
  return [
    {
      name: `to reach: total restore of every program by both strategies in ${TOTAL_RESTORE_MS} ms (median)`,
      found: `${worst.toFixed(2)} ms at most`,
      holds: worst <= TOTAL_RESTORE_MS,
    },
    atMost(
      "",
      overheads.map(({ withCopy }) => withCopy),
    ),
    atMost(
      ", first writes on both sides as in the thesis",
      overheads.map(({ withFirstWrites }) => withFirstWrites),
    ),
    ...(["a", "b"] as const).map((strategy) => {
      const shares = overheadsOf(standing[strategy]).map(({ withCopy }) => withCopy);
      return atMost(", of restores that stood by", shares, strategy.toUpperCase());
    }),
  ];
}

function relationTable(relations: readonly Relation[]): string {
  const rows = relations.map(({ name, found, holds }) => [holds ? "holds" : "**does not hold**", name, found]);
  return `## Relations (spec 5.5)\n\nTimes are medians.\n\n${table(["", "relation", "found"], rows)}`;
}

function graphs(): string {
  const lines = PROGRAMS.flatMap((name) =>
    (["bootstrap", "direct"] as const).map((strategy) => `![${name}, ${strategy}](evaluation/${name}-${strategy}.svg)`),
  );
  return `## Appendix C

Mean runs; totals behind each row, number of scopes in brackets. Time in which nothing was measured, mostly the programs' delay
loops, is left out at the dashed lines. In the thesis's colours; the same in colours that people who see no red or green
tell apart: [evaluation/colour-blind](evaluation/colour-blind).

${lines.join("\n\n")}`;
}

function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [line(header), line(header.map(() => "---")), ...rows.map(line)].join("\n");
}

function spread({ median, mean, p95, deviation }: Statistics): string {
  return `**${ms(median)}** (${ms(mean)}, ${ms(p95)}, ${ms(deviation)})`;
}

function count(value: number): string {
  return value.toLocaleString("en-US");
}
