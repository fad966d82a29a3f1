// What do marks of written pages cost? The same program plain, rewritten without marks and with them, and both behind windows
// whose limit lies above everything; times in relation to plain, and code sizes.
//
//   npm run bench -- marks [--json FILE] [--rounds N] [--copies N] [--only NAME,NAME]
//
// rtcr: polls and freezing, as every program has them. marks: the same with marks.
// windows, windows/marks: the same two of a component that has windows and uses memory.

import { writeFileSync } from "node:fs";
import { loadavg } from "node:os";
import { parseArgs } from "node:util";
import { WINDOW } from "../src/abi/index.ts";
import { Pool, Windows } from "../src/engine/index.ts";
import { FORM_OPTIONS, geomeans, type MeasuredProgram, measureProgram, type RewrittenForm } from "./forms.ts";
import { benchPrograms, type Prepare } from "./programs.ts";

const below: Prepare = () => {
  const windows = new Windows(new Pool());
  return { windows, started: () => (windows.limit = WINDOW.highestLimit) };
};

const FORMS = {
  rtcr: { options: {} },
  marks: { options: { marks: true } },
  windows: { options: { windows: { favour: "memory" } }, prepare: below },
  "windows/marks": { options: { windows: { favour: "memory" }, marks: true }, prepare: below },
} as const satisfies Record<string, RewrittenForm>;

interface Row extends MeasuredProgram<keyof typeof FORMS> {
  /** What marks add: the ratio of the least times with and without. */
  readonly added: number;
}

export async function run(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: FORM_OPTIONS,
  });
  const counts = { rounds: Number(values.rounds), copies: Number(values.copies) };
  const rows: Row[] = [];
  for (const program of await benchPrograms(values.only.split(","))) {
    const measured = measureProgram(program, FORMS, counts);
    rows.push({ ...measured, added: measured.minima.marks! / measured.minima.rtcr! });
    console.error(`${program.name}: ${JSON.stringify(rows.at(-1)!.minima)}`);
  }
  const result = {
    bench: "marks",
    geomean: geomeans(rows.map(({ median }) => median)),
    minimaGeomean: geomeans(rows.map(({ minima }) => minima)),
    added: geomeans(rows.map(({ added }) => ({ added }))).added,
    codeSize: geomeans(rows.map((row) => row.codeSize)),
    programs: rows,
    load: loadavg(),
    node: process.version,
    v8: process.versions.v8,
    rounds: counts.rounds,
  };
  if (values.json) writeFileSync(values.json, `${JSON.stringify(result, null, 2)}\n`);
  print(rows, result);
  return 0;
}

function print(
  rows: readonly Row[],
  result: {
    readonly geomean: unknown;
    readonly minimaGeomean: unknown;
    readonly added: number | undefined;
    readonly codeSize: unknown;
    readonly rounds: number;
  },
): void {
  const line = ({ plainMs, minima, added, codeSize: size }: Row) => ({
    plainMs,
    ...minima,
    added: Number(added.toFixed(3)),
    "size rtcr": size.rtcr,
    "size marks": size.marks,
    "size windows/marks": size["windows/marks"],
  });
  console.table(Object.fromEntries(rows.map((row) => [row.name, line(row)])));
  console.log(`times: least of ${result.rounds} rounds, interleaved, in relation to plain's; node ${process.version}`);
  console.log(`geomean: ${JSON.stringify(result.minimaGeomean)}; of medians: ${JSON.stringify(result.geomean)}`);
  console.log(`marks add, geomean: ${result.added}; code size: ${JSON.stringify(result.codeSize)}`);
}
