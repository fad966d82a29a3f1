// What do windows cost? The same program plain, rewritten without windows, and with windows whose accesses all stay
// below the limit, or are all translated; times in relation to plain, and code sizes.
//
//   npm run bench -- windows [--json FILE] [--rounds N] [--copies N] [--only NAME,NAME]
//
// without: no windows: what every other program costs.
// below:   windows that favour memory, the limit above everything: what a component pays whose windows lie elsewhere.
// below/both: the same with windows that favour both.
// all:     windows that favour the pool, the limit 0: every byte lies in the pool, attached page by page when touched.
// all/ranges: the same where the memory lies in many ranges of the pool, as stack, data and heap of a component do.
// all/both, all/memory: the first with windows that favour both, or memory.

import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { WINDOW } from "../src/abi/index.ts";
import { type Instance, Pool, Windows } from "../src/engine/index.ts";
import { FORM_OPTIONS, geomeans, type MeasuredProgram, measureProgram, type RewrittenForm } from "./forms.ts";
import { geomean, rounded } from "./measure.ts";
import { benchPrograms, type Prepare } from "./programs.ts";

/** Bytes that a fault attaches. */
const LAZY_BYTES = 1 << 20;
/** Bytes of a range of all/ranges. */
const RANGE_BYTES = 1 << 16;

export async function run(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: FORM_OPTIONS,
  });
  const counts = { rounds: Number(values.rounds), copies: Number(values.copies) };
  const rows: Row[] = [];
  for (const program of await benchPrograms(values.only.split(","))) {
    rows.push(measureProgram(program, FORMS, counts));
    console.error(`${program.name}: ${JSON.stringify(rows.at(-1)!.minima)}`);
  }
  const result = summary(rows, counts.rounds);
  if (values.json) writeFileSync(values.json, `${JSON.stringify(result, null, 2)}\n`);
  print(rows, result);
  return 0;
}

const below: Prepare = () => {
  const windows = new Windows(new Pool());
  return { windows, started: () => (windows.limit = WINDOW.highestLimit) };
};

/** @param rangeBytes how much of the memory lies side by side in the pool; default: all of it */
function translated(rangeBytes?: number): Prepare {
  return () => {
    const pool = new Pool();
    const windows = new Windows(pool);
    const attach = (address: number, bytes: number) => {
      const range = pool.allocate(bytes)!;
      windows.table.map(address, range.address, bytes, { writable: true });
      return pool.bytes(range.address, bytes);
    };
    windows.onFault = ({ address }) => {
      attach(address - (address % LAZY_BYTES), LAZY_BYTES);
      return "retry";
    };
    const started = (instance: Instance) => {
      const content = new Uint8Array(instance.memories[0]!.buffer);
      const size = Math.ceil(content.length / LAZY_BYTES) * LAZY_BYTES;
      const step = rangeBytes ?? size;
      for (let at = 0; at < size; at += step) {
        attach(at, step).set(content.subarray(at, at + step));
        pool.allocate(WINDOW.pageBytes); // lies between two ranges
      }
      content.fill(0xaa); // whoever still reads here computes something else
      windows.limit = 0;
    };
    return { windows, started };
  };
}

const MEMORY = { windows: { favour: "memory" } } as const;
const POOL = { windows: { favour: "pool" } } as const;
const BOTH = { windows: { favour: "both" } } as const;
const FORMS = {
  without: { options: {} },
  below: { options: MEMORY, prepare: below },
  "below/both": { options: BOTH, prepare: below },
  all: { options: POOL, prepare: translated() },
  "all/ranges": { options: POOL, prepare: translated(RANGE_BYTES) },
  "all/both": { options: BOTH, prepare: translated() },
  "all/memory": { options: MEMORY, prepare: translated() },
} as const satisfies Record<string, RewrittenForm>;
type Row = MeasuredProgram<keyof typeof FORMS>;
/** The form whose code section is that of each kind. */
const SIZES = { without: "without", memory: "below", pool: "all", both: "below/both" } as const;

function summary(rows: readonly Row[], rounds: number) {
  const over = (by: "median" | "minima") => geomeans(rows.map((row) => row[by]));
  const size = (kind: keyof typeof SIZES) => rounded(geomean(rows.map((row) => row.codeSize[SIZES[kind]])));
  return {
    bench: "windows",
    geomean: over("median"),
    minimaGeomean: over("minima"),
    codeSize: { without: size("without"), memory: size("memory"), pool: size("pool"), both: size("both") },
    programs: rows,
    node: process.version,
    v8: process.versions.v8,
    rounds,
  };
}

function print(rows: readonly Row[], result: ReturnType<typeof summary>): void {
  const line = ({ plainMs, minima, codeSize }: Row) => ({
    plainMs,
    ...minima,
    "size without": codeSize[SIZES.without],
    "size memory": codeSize[SIZES.memory],
    "size pool": codeSize[SIZES.pool],
    "size both": codeSize[SIZES.both],
  });
  console.table(Object.fromEntries(rows.map((row) => [row.name, line(row)])));
  console.log(
    `times: least of ${result.rounds} rounds, interleaved, in relation to plain's; node ${result.node}, V8 ${result.v8}`,
  );
  console.log(`geomean: ${JSON.stringify(result.minimaGeomean)}; of medians: ${JSON.stringify(result.geomean)}`);
  console.log(`code size, geomean: ${JSON.stringify(result.codeSize)}`);
}
