// One program in several rewritten forms, measured side by side: each form some copies, because how code happens to lie in
// memory differs by some percent. Every form must compute what the first one does.

import { createHash } from "node:crypto";
import { type LoadedProgram, loadProgram } from "../src/core/program.ts";
import type { RewriteOptions } from "../src/instrument/index.ts";
import { decodeModule, indexSpaces } from "../src/wasm/index.ts";
import { geomean, interleave, medianRatio, minimum, rounded, timed, type Variant } from "./measure.ts";
import { type BenchProgram, memorySizes, type Prepare, type Runnable } from "./programs.ts";
import { codeSectionBytes, unseen } from "./wasm-bytes.ts";

const WARM_UP_MS = 400;
const WARM_UP_RUNS = 3;

/** Options of a bench of forms, as `parseArgs` has them. Its table takes under three minutes on a quiet machine. */
export const FORM_OPTIONS = {
  json: { type: "string" },
  rounds: { type: "string", default: "20" },
  copies: { type: "string", default: "2" },
  only: { type: "string", default: "fib,matmul,sieve,sha256,nbody,bintrees,interp,sort,memcpy,hashmap,calls,alloc" },
} as const;

/** A form that a program is rewritten into. */
export interface RewrittenForm {
  readonly options: RewriteOptions;
  readonly prepare?: Prepare;
}

/** By form but the first: its times in relation to the first's. */
export type Ratios<Form extends string> = Readonly<Partial<Record<Form, number>>>;

interface Measured<Form extends string> {
  readonly plainMs: number;
  /** Medians of the ratios within a round. */
  readonly median: Ratios<Form>;
  /** Ratios of the least times. */
  readonly minima: Ratios<Form>;
}

/** A program in forms that it is rewritten into, beside the original. */
export interface MeasuredProgram<Form extends string> extends Measured<"plain" | Form> {
  readonly name: string;
  /** The code section in relation to the original's. */
  readonly codeSize: Readonly<Record<Form, number>>;
}

export function measureProgram<Form extends string>(
  program: BenchProgram,
  forms: Readonly<Record<Form, RewrittenForm>>,
  counts: { readonly rounds: number; readonly copies: number },
): MeasuredProgram<Form> {
  const { name, bytes } = program;
  const hash = createHash("sha256").update(bytes).digest("hex");
  const loaded = Object.entries<RewrittenForm>(forms).map(([form, { options, prepare }]) => {
    return { form, prepare, rewritten: loadProgram(bytes, hash, options) };
  });
  const start = Object.fromEntries([
    ["plain", () => plainly(program)],
    ...loaded.map(({ form, prepare, rewritten }) => [form, () => program.rewritten(fresh(rewritten), prepare)]),
  ]) as Readonly<Record<"plain" | Form, () => Runnable>>;
  const sizes = Object.fromEntries(loaded.map(({ form, rewritten }) => [form, codeSize(program, rewritten)]));
  return { name, ...measureForms(name, start, counts), codeSize: sizes as Readonly<Record<Form, number>> };
}

/** The same program compiled anew. */
function fresh(program: LoadedProgram): LoadedProgram {
  return { ...program, module: new WebAssembly.Module(unseen(program.bytes)) };
}

/** The original. */
function plainly(program: BenchProgram): Runnable {
  const memory = indexSpaces(decodeModule(program.bytes)).memories[0];
  const module = new WebAssembly.Module(unseen(program.bytes));
  memorySizes.set(module, { min: memory?.min ?? 0, max: memory?.max ?? 65536 });
  return program.plain(module);
}

/** The code section in relation to the original's. */
function codeSize({ bytes }: BenchProgram, rewritten: LoadedProgram): number {
  return rounded(codeSectionBytes(rewritten.bytes) / codeSectionBytes(bytes));
}

/** @param start makes each form anew; the first is plain */
function measureForms<Form extends string>(
  program: string,
  start: Readonly<Record<Form, () => Runnable>>,
  { rounds, copies }: { readonly rounds: number; readonly copies: number },
): Measured<Form> {
  const forms = Object.keys(start) as Form[];
  const [plain, ...others] = forms;
  const samples = interleave(warmVariants(program, forms, start, copies), rounds);
  const ratios = (ratio: (times: readonly number[], plain: readonly number[]) => number): Ratios<Form> =>
    Object.fromEntries(
      others.map((form) => {
        const list = Array.from({ length: copies }, (_, copy) =>
          ratio(samples.get(`${form} ${copy}`)!, samples.get(`${plain} ${copy}`)!),
        );
        return [form, rounded(geomean(list), 3)];
      }),
    ) as Ratios<Form>;
  return {
    plainMs: rounded(Math.min(...samples.get(`${plain} 0`)!)),
    median: ratios(medianRatio),
    minima: ratios((times, base) => minimum(times) / minimum(base)),
  };
}

/** Geomeans over programs, by form. */
export function geomeans<Form extends string>(rows: readonly Ratios<Form>[]): Ratios<Form> {
  const forms = Object.keys(rows[0] ?? {}) as Form[];
  return Object.fromEntries(
    forms.map((form) => [form, rounded(geomean(rows.map((row) => row[form]!)), 3)]),
  ) as Ratios<Form>;
}

function warmVariants<Form extends string>(
  program: string,
  forms: readonly Form[],
  start: Readonly<Record<Form, () => Runnable>>,
  copies: number,
): Variant[] {
  const results = new Map<Form, unknown>();
  const variants: Variant[] = [];
  for (let copy = 0; copy < copies; copy++) {
    for (const form of forms) {
      const runnable = start[form]();
      for (let runs = 0, spent = 0; runs < WARM_UP_RUNS || spent < WARM_UP_MS; runs++) {
        spent += timed(() => void results.set(form, runnable()));
      }
      variants.push({ name: `${form} ${copy}`, run: () => timed(runnable) });
    }
  }
  const expected = results.get(forms[0]!);
  for (const [form, result] of results) {
    if (result !== expected) throw new Error(`${program}: ${form} computes ${result}, ${forms[0]} ${expected}`);
  }
  return variants;
}
