// What does it cost to run rewritten code? Plain engine, rtcr and Binaryen Asyncify side by side in one process, with
// the same host functions; ratios to plain.
//
//   npm run bench -- overhead [--json FILE] [--rounds N] [--whole-rounds N] [--cold N] [--only NAME,NAME] [--no-asyncify]
//   npm run bench -- overhead --prepare [--only NAME,NAME]    only makes Asyncify's forms, which takes an hour for clang
//
// warm: every variant has run often enough to be compiled by the optimising tier; one run a round, random order.
// cold: a module that the engine has never seen is compiled, instantiated and run once. Rewriting is not part of it: a
//       rewritten module is cached by hash; its speed stands beside.
// again: the plain module a second time, under another hash: the noise.

import { createHash } from "node:crypto";
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { type LoadedProgram, loadProgram } from "../src/core/program.ts";
import { messageOf } from "../src/util/index.ts";
import { decodeModule, indexSpaces } from "../src/wasm/index.ts";
import { type Asyncified, asyncify } from "./asyncify.ts";
import { geomean, interleave, medianRatio, minimum, rounded, type Samples, timed, type Variant } from "./measure.ts";
import { type BenchProgram, benchPrograms, memorySizes, type Runnable } from "./programs.ts";
import { codeSectionBytes, unseen } from "./wasm-bytes.ts";

/** Milliseconds a variant runs at least before it counts as warm. */
const WARM_UP_MS = 250;

interface Form {
  readonly name: "plain" | "again" | "rtcr" | "asyncify";
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Compiles `bytes` and instantiates. */
  readonly load: (bytes: Uint8Array<ArrayBuffer>) => Runnable;
}

interface Row {
  readonly name: string;
  readonly plainMs: number;
  readonly again: number;
  readonly rtcr: number;
  readonly asyncify?: number;
  readonly codeSize: number;
  readonly asyncifyCodeSize?: number;
  readonly minima: Ratios;
  readonly cold: Ratios & { readonly plainMs: number };
  readonly rewriteMBs: number;
}

export async function run(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      json: { type: "string" },
      rounds: { type: "string", default: "60" },
      "whole-rounds": { type: "string", default: "4" },
      cold: { type: "string", default: "3" },
      copies: { type: "string", default: "3" },
      only: { type: "string", default: "" },
      "no-asyncify": { type: "boolean", default: false },
      prepare: { type: "boolean", default: false },
    },
  });
  const programs = await benchPrograms(values.only.split(",").filter(Boolean));
  if (values.prepare) return prepare(programs);
  const rows: Row[] = [];
  for (const program of programs) {
    const counts = program.whole
      ? { rounds: Number(values["whole-rounds"]), cold: 1, copies: 1, warmUpRuns: 2 }
      : { rounds: Number(values.rounds), cold: Number(values.cold), copies: Number(values.copies), warmUpRuns: 3 };
    rows.push(measure(program, counts, !values["no-asyncify"]));
    if (values.json) writeFileSync(values.json, `${JSON.stringify(summary(rows, Number(values.rounds)), null, 2)}\n`);
    console.error(`${program.name}: rtcr ${rows.at(-1)!.rtcr}, asyncify ${rows.at(-1)!.asyncify ?? "-"}`);
  }
  const result = summary(rows, Number(values.rounds));
  print(rows, result);
  return 0;
}

function prepare(programs: readonly BenchProgram[]): number {
  for (const { name, bytes } of programs) console.log(`${name}: ${asyncify(bytes, true).elapsedMs} ms of wasm-opt`);
  return 0;
}

interface Counts {
  readonly rounds: number;
  readonly cold: number;
  /** Modules of each form that run side by side: how code happens to lie in memory differs by some percent. */
  readonly copies: number;
  /** How often each runs at least before it counts as warm. */
  readonly warmUpRuns: number;
}

function measure(program: BenchProgram, counts: Counts, peer: boolean): Row {
  const { name, bytes } = program;
  let rewritten!: LoadedProgram;
  const rewriteMs = timed(() => (rewritten = loadProgram(bytes, createHash("sha256").update(bytes).digest("hex"))));
  const asyncified = peer ? peerOf(program) : undefined;
  const forms = formsOf(program, rewritten, asyncified);
  const cold = interleave(coldVariants(forms), counts.cold);
  const warm = interleave(warmVariants(name, forms, counts), counts.rounds);
  const code = codeSectionBytes(bytes);
  return {
    name,
    plainMs: plainMs(warm),
    ...ratios(warm, "median"),
    codeSize: rounded(codeSectionBytes(rewritten.bytes) / code, 3),
    ...(asyncified ? { asyncifyCodeSize: rounded(codeSectionBytes(asyncified.bytes) / code, 3) } : {}),
    minima: ratios(warm, "minimum"),
    cold: { plainMs: plainMs(cold), ...ratios(cold, "minimum") },
    rewriteMBs: rounded(bytes.length / 1000 / rewriteMs, 1),
  };
}

/** A form in relation to plain, each copy to plain's copy: by the least times, or by the median over the rounds. */
function ratio(samples: Samples, form: string, by: "minimum" | "median"): number | undefined {
  const ratios: number[] = [];
  for (const [name, times] of samples) {
    const [kind, copy] = name.split(" ");
    if (kind !== form) continue;
    const plain = samples.get(`plain ${copy}`)!;
    ratios.push(by === "minimum" ? minimum(times) / minimum(plain) : medianRatio(times, plain));
  }
  return ratios.length ? rounded(geomean(ratios), 3) : undefined;
}

interface Ratios {
  readonly again: number;
  readonly rtcr: number;
  readonly asyncify?: number;
}

function ratios(samples: Samples, by: "minimum" | "median"): Ratios {
  const peer = ratio(samples, "asyncify", by);
  const own = { again: ratio(samples, "again", by)!, rtcr: ratio(samples, "rtcr", by)! };
  return peer === undefined ? own : { ...own, asyncify: peer };
}

/** The least time of plain, over all copies. */
function plainMs(samples: Samples): number {
  return rounded(Math.min(...[...samples].flatMap(([name, times]) => (name.startsWith("plain ") ? times : []))));
}

/** The program under Asyncify; undefined, with a note, where wasm-opt gives up or would take long. */
function peerOf({ name, bytes, whole }: BenchProgram): Asyncified | undefined {
  try {
    return asyncify(bytes, !whole);
  } catch (error) {
    console.error(`${name}: without asyncify: ${messageOf(error)}`);
    return undefined;
  }
}

function formsOf(program: BenchProgram, rewritten: LoadedProgram, asyncified: Asyncified | undefined): Form[] {
  const memory = indexSpaces(decodeModule(program.bytes)).memories[0];
  const load = (bytes: Uint8Array<ArrayBuffer>) => {
    const module = new WebAssembly.Module(bytes);
    memorySizes.set(module, { min: memory?.min ?? 0, max: memory?.max ?? 65536 });
    return program.plain(module);
  };
  const loadRewritten = (bytes: Uint8Array<ArrayBuffer>) =>
    program.rewritten({ ...rewritten, module: new WebAssembly.Module(bytes) });
  return [
    { name: "plain", bytes: program.bytes, load },
    { name: "again", bytes: unseen(program.bytes), load },
    { name: "rtcr", bytes: rewritten.bytes as Uint8Array<ArrayBuffer>, load: loadRewritten },
    ...(asyncified ? [{ name: "asyncify" as const, bytes: asyncified.bytes, load }] : []),
  ];
}

function coldVariants(forms: readonly Form[]): Variant[] {
  return forms.map(({ name, bytes, load }) => ({
    name: `${name} 0`,
    run: () => {
      const fresh = unseen(bytes);
      return timed(() => void load(fresh)());
    },
  }));
}

function warmVariants(program: string, forms: readonly Form[], { copies, warmUpRuns }: Counts): Variant[] {
  const results = new Map<string, unknown>();
  const variants: Variant[] = [];
  for (let copy = 0; copy < copies; copy++) {
    for (const { name, bytes, load } of forms) {
      const runnable = load(unseen(bytes));
      for (let runs = 0, spent = 0; runs < warmUpRuns || spent < WARM_UP_MS; runs++) {
        spent += timed(() => void results.set(name, runnable()));
      }
      variants.push({ name: `${name} ${copy}`, run: () => timed(runnable) });
    }
  }
  for (const [name, result] of results) {
    if (result !== results.get("plain"))
      throw new Error(`${program}: ${name} computes ${result}, plain ${results.get("plain")}`);
  }
  return variants;
}

function summary(rows: readonly Row[], runs: number) {
  const over = (pick: (row: Row) => number | undefined) => {
    const values = rows.map(pick).filter((value) => value !== undefined);
    return values.length ? rounded(geomean(values), 3) : null;
  };
  const worst = rows.reduce((most, row) => (row.rtcr > most.rtcr ? row : most));
  return {
    bench: "overhead",
    geomean: {
      rtcr: over((row) => row.rtcr),
      asyncify: over((row) => row.asyncify),
      codeSize: over((row) => row.codeSize),
    },
    worst: { rtcr: worst.rtcr, program: worst.name },
    minimaGeomean: {
      again: over((row) => row.minima.again),
      rtcr: over((row) => row.minima.rtcr),
      asyncify: over((row) => row.minima.asyncify),
    },
    again: over((row) => row.again),
    asyncifyCodeSize: over((row) => row.asyncifyCodeSize),
    cold: {
      again: over((row) => row.cold.again),
      rtcr: over((row) => row.cold.rtcr),
      asyncify: over((row) => row.cold.asyncify),
    },
    programs: rows,
    node: process.version,
    v8: process.versions.v8,
    runs,
  };
}

function print(rows: readonly Row[], result: ReturnType<typeof summary>): void {
  const line = (row: Row) => ({
    plainMs: row.plainMs,
    again: row.again,
    rtcr: row.rtcr,
    asyncify: row.asyncify,
    "rtcr minima": row.minima.rtcr,
    "asyncify minima": row.minima.asyncify,
    "code size": row.codeSize,
    "asyncify size": row.asyncifyCodeSize,
    "cold plainMs": row.cold.plainMs,
    "cold again": row.cold.again,
    "cold rtcr": row.cold.rtcr,
    "cold asyncify": row.cold.asyncify,
    "rewrite MB/s": row.rewriteMBs,
  });
  console.table(Object.fromEntries(rows.map((row) => [row.name, line(row)])));
  const { geomean: mean, worst, again, minimaGeomean, cold } = result;
  console.log(
    `times: ratio to plain in the same round, median of ${result.runs} rounds (fewer of whole programs), interleaved in random order; node ${result.node}, V8 ${result.v8}`,
  );
  console.log(
    "asyncify: polls at the same places, wasm-opt --asyncify -O2, branch hints on its state checks (asyncify.ts)",
  );
  console.log(
    `geomean warm: rtcr ${mean.rtcr}, asyncify ${mean.asyncify}, plain again ${again}; code size ${mean.codeSize}, asyncify ${result.asyncifyCodeSize}`,
  );
  console.log(
    `geomean of minima: rtcr ${minimaGeomean.rtcr}, asyncify ${minimaGeomean.asyncify}, plain again ${minimaGeomean.again}`,
  );
  console.log(
    `geomean cold: rtcr ${cold.rtcr}, asyncify ${cold.asyncify}, plain again ${cold.again}; worst warm: ${worst.program} ${worst.rtcr}`,
  );
}
