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

import { createHash } from "node:crypto";
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { WINDOW } from "../src/abi/index.ts";
import { type LoadedProgram, loadProgram } from "../src/core/program.ts";
import { type Instance, Pool, Windows } from "../src/engine/index.ts";
import type { RewriteOptions } from "../src/instrument/index.ts";
import { decodeModule, indexSpaces } from "../src/wasm/index.ts";
import { geomean, interleave, medianRatio, minimum, rounded, type Samples, timed, type Variant } from "./measure.ts";
import { type BenchProgram, benchPrograms, memorySizes, type Prepare, type Runnable } from "./programs.ts";
import { codeSectionBytes, unseen } from "./wasm-bytes.ts";

const WARM_UP_MS = 400;
const WARM_UP_RUNS = 3;
/** Bytes that a fault attaches. */
const LAZY_BYTES = 1 << 20;
/** Bytes of a range of all/ranges. */
const RANGE_BYTES = 1 << 16;

const FORMS = ["plain", "without", "below", "below/both", "all", "all/ranges", "all/both", "all/memory"] as const;
type Form = (typeof FORMS)[number];

interface Row {
  readonly name: string;
  readonly plainMs: number;
  /** Times in relation to plain: medians of the ratios within a round, and ratios of the least times. */
  readonly median: Readonly<Partial<Record<Form, number>>>;
  readonly minima: Readonly<Partial<Record<Form, number>>>;
  /** Code sections in relation to the original's. */
  readonly codeSize: {
    readonly without: number;
    readonly memory: number;
    readonly pool: number;
    readonly both: number;
  };
}

export async function run(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      json: { type: "string" },
      rounds: { type: "string", default: "60" },
      copies: { type: "string", default: "2" },
      only: {
        type: "string",
        default: "fib,matmul,sieve,sha256,nbody,bintrees,interp,sort,memcpy,hashmap,calls,alloc",
      },
    },
  });
  const rows: Row[] = [];
  for (const program of await benchPrograms(values.only.split(","))) {
    rows.push(measure(program, Number(values.rounds), Number(values.copies)));
    console.error(`${program.name}: ${JSON.stringify(rows.at(-1)!.minima)}`);
  }
  const result = summary(rows, Number(values.rounds));
  if (values.json) writeFileSync(values.json, `${JSON.stringify(result, null, 2)}\n`);
  print(rows, result);
  return 0;
}

function measure(program: BenchProgram, rounds: number, copies: number): Row {
  const { name, bytes } = program;
  const hash = createHash("sha256").update(bytes).digest("hex");
  const load = (options: RewriteOptions) => loadProgram(bytes, hash, options);
  const without = load({});
  const memory = load({ windows: { favour: "memory" } });
  const pool = load({ windows: { favour: "pool" } });
  const both = load({ windows: { favour: "both" } });
  const start: Readonly<Record<Form, () => Runnable>> = {
    plain: () => plainly(program),
    without: () => program.rewritten(fresh(without)),
    below: () => program.rewritten(fresh(memory), below),
    "below/both": () => program.rewritten(fresh(both), below),
    all: () => program.rewritten(fresh(pool), translated()),
    "all/ranges": () => program.rewritten(fresh(pool), translated(RANGE_BYTES)),
    "all/both": () => program.rewritten(fresh(both), translated()),
    "all/memory": () => program.rewritten(fresh(memory), translated()),
  };
  const samples = interleave(warmVariants(name, start, copies), rounds);
  const size = (rewritten: LoadedProgram) => rounded(codeSectionBytes(rewritten.bytes) / codeSectionBytes(bytes), 2);
  return {
    name,
    plainMs: rounded(Math.min(...samples.get("plain 0")!)),
    median: ratios(samples, copies, medianRatio),
    minima: ratios(samples, copies, (times, plain) => minimum(times) / minimum(plain)),
    codeSize: { without: size(without), memory: size(memory), pool: size(pool), both: size(both) },
  };
}

function fresh(program: LoadedProgram): LoadedProgram {
  return { ...program, module: new WebAssembly.Module(unseen(program.bytes)) };
}

function plainly(program: BenchProgram): Runnable {
  const memory = indexSpaces(decodeModule(program.bytes)).memories[0];
  const module = new WebAssembly.Module(unseen(program.bytes));
  memorySizes.set(module, { min: memory?.min ?? 0, max: memory?.max ?? 65536 });
  return program.plain(module);
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

function warmVariants(program: string, start: Readonly<Record<Form, () => Runnable>>, copies: number): Variant[] {
  const results = new Map<string, unknown>();
  const variants: Variant[] = [];
  for (let copy = 0; copy < copies; copy++) {
    for (const form of FORMS) {
      const runnable = start[form]();
      for (let runs = 0, spent = 0; runs < WARM_UP_RUNS || spent < WARM_UP_MS; runs++) {
        spent += timed(() => void results.set(form, runnable()));
      }
      variants.push({ name: `${form} ${copy}`, run: () => timed(runnable) });
    }
  }
  for (const [form, result] of results) {
    if (result === results.get("plain")) continue;
    throw new Error(`${program}: ${form} computes ${result}, plain ${results.get("plain")}`);
  }
  return variants;
}

function ratios(
  samples: Samples,
  copies: number,
  ratio: (times: readonly number[], plain: readonly number[]) => number,
): Partial<Record<Form, number>> {
  const all = FORMS.slice(1).map((form) => {
    const list = Array.from({ length: copies }, (_, copy) =>
      ratio(samples.get(`${form} ${copy}`)!, samples.get(`plain ${copy}`)!),
    );
    return [form, rounded(geomean(list))] as const;
  });
  return Object.fromEntries(all);
}

function summary(rows: readonly Row[], rounds: number) {
  const over = (by: "median" | "minima") =>
    Object.fromEntries(FORMS.slice(1).map((form) => [form, rounded(geomean(rows.map((row) => row[by][form]!)))]));
  const size = (kind: keyof Row["codeSize"]) => rounded(geomean(rows.map((row) => row.codeSize[kind])));
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
    "size without": codeSize.without,
    "size memory": codeSize.memory,
    "size pool": codeSize.pool,
    "size both": codeSize.both,
  });
  console.table(Object.fromEntries(rows.map((row) => [row.name, line(row)])));
  console.log(
    `times: least of ${result.rounds} rounds, interleaved, in relation to plain's; node ${result.node}, V8 ${result.v8}`,
  );
  console.log(`geomean: ${JSON.stringify(result.minimaGeomean)}; of medians: ${JSON.stringify(result.geomean)}`);
  console.log(`code size, geomean: ${JSON.stringify(result.codeSize)}`);
}
