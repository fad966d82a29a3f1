// What do marks of written pages cost? The same program plain, rewritten without marks and with them, and both behind windows
// whose limit lies above everything; times in relation to plain, and code sizes.
//
//   npm run bench -- marks [--json FILE] [--rounds N] [--copies N] [--only NAME,NAME]
//
// rtcr: polls and freezing, as every program has them. marks: the same with marks.
// windows, windows/marks: the same two of a component that has windows and uses memory.

import { createHash } from "node:crypto";
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { WINDOW } from "../src/abi/index.ts";
import { loadProgram } from "../src/core/program.ts";
import { Pool, Windows } from "../src/engine/index.ts";
import type { RewriteOptions } from "../src/instrument/index.ts";
import { codeSize, fresh, geomeans, type Measured, measureForms, plainly } from "./forms.ts";
import { type BenchProgram, benchPrograms, type Prepare, type Runnable } from "./programs.ts";

const FORMS = {
  rtcr: {},
  marks: { marks: true },
  windows: { windows: { favour: "memory" } },
  "windows/marks": { windows: { favour: "memory" }, marks: true },
} as const satisfies Record<string, RewriteOptions>;
type Form = "plain" | keyof typeof FORMS;

interface Row extends Measured<Form> {
  readonly name: string;
  /** What marks add: the ratio of the least times with and without. */
  readonly added: number;
  readonly codeSize: Readonly<Partial<Record<Form, number>>>;
}

export async function run(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      json: { type: "string" },
      rounds: { type: "string", default: "60" },
      copies: { type: "string", default: "3" },
      only: {
        type: "string",
        default: "fib,matmul,sieve,sha256,nbody,bintrees,interp,sort,memcpy,hashmap,calls,alloc",
      },
    },
  });
  const counts = { rounds: Number(values.rounds), copies: Number(values.copies) };
  const rows: Row[] = [];
  for (const program of await benchPrograms(values.only.split(","))) {
    rows.push(measure(program, counts));
    console.error(`${program.name}: ${JSON.stringify(rows.at(-1)!.minima)}`);
  }
  const result = {
    bench: "marks",
    geomean: geomeans(rows.map(({ median }) => median)),
    minimaGeomean: geomeans(rows.map(({ minima }) => minima)),
    added: geomeans(rows.map(({ added }) => ({ added }))).added,
    codeSize: geomeans(rows.map((row) => row.codeSize)),
    programs: rows,
    node: process.version,
    v8: process.versions.v8,
    rounds: counts.rounds,
  };
  if (values.json) writeFileSync(values.json, `${JSON.stringify(result, null, 2)}\n`);
  print(rows, result);
  return 0;
}

function measure(program: BenchProgram, counts: { readonly rounds: number; readonly copies: number }): Row {
  const { name, bytes } = program;
  const hash = createHash("sha256").update(bytes).digest("hex");
  const loaded = Object.entries(FORMS).map(([form, options]) => [form, loadProgram(bytes, hash, options)] as const);
  const start = {
    plain: () => plainly(program),
    ...Object.fromEntries(
      loaded.map(([form, rewritten]) => [
        form,
        () => program.rewritten(fresh(rewritten), rewritten.info.windows ? below : undefined),
      ]),
    ),
  } as Readonly<Record<Form, () => Runnable>>;
  const measured = measureForms(name, start, counts);
  const sizes = Object.fromEntries(loaded.map(([form, rewritten]) => [form, codeSize(program, rewritten)]));
  return { name, ...measured, added: measured.minima.marks! / measured.minima.rtcr!, codeSize: sizes };
}

const below: Prepare = () => {
  const windows = new Windows(new Pool());
  return { windows, started: () => (windows.limit = WINDOW.highestLimit) };
};

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
