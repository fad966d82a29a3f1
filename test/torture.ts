// Torture of small modules: plain engine = rewritten = rewritten and, at every n-th safe point, frozen, captured,
// serialised and restored into a fresh group (new instances, memories, globals and tables). Rewritten twice: with a poll
// at every turn of every loop, and with at most three turns between two polls and marks. Where a memory is written by code
// with marks alone, nothing may change in it unmarked; a single module has a mirror then, too, that must be as its memory is.
//
// A case is one line: `survives("(i32.add (call $tick) (local.get 0))", { args: [1] })`. Text that is no module is the
// body of a function `f` with the locals and functions of PRELUDE.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { deserialize, serialize } from "node:v8";
import { type HostCall, type HostImports, type HostValue, type SavedGroup, WINDOW } from "../src/abi/index.ts";
import { type LoadedProgram, loadProgram } from "../src/core/program.ts";
import {
  captureGroup,
  type Ending,
  Group,
  type Instance,
  Pool,
  restoreGroup,
  stackExhausted,
  type Thread,
  Windows,
} from "../src/engine/index.ts";
import type { RewriteOptions } from "../src/instrument/index.ts";
import { messageOf } from "../src/util/index.ts";
import { decodeModule, indexSpaces } from "../src/wasm/index.ts";
import { assemble } from "./assemble.ts";
import { auditsOf } from "./support/marks-audit.ts";
import { auditMirror, mirrorForTests } from "./support/mirror-audit.ts";

/** Under Node alone: code marks and mirrors in the same way everywhere, and browsers take long to make a mirror at each point. */
const AUDITED = "process" in globalThis;

export interface Case {
  /** Arguments of the entry. */
  readonly args?: readonly unknown[];
  /** The exported function to call, of the last module; default `f`. */
  readonly entry?: string;
  /** Results that are expected of the plain engine too. */
  readonly result?: unknown;
  /** Freeze at every n-th safe point; default 1. */
  readonly every?: number;
  /** Host functions; what they pass to `log` is compared. */
  readonly imports?: (log: (entry: unknown) => void, exports: () => WebAssembly.Exports) => HostImports;
  readonly assemble?: (wat: string) => Uint8Array;
  readonly options?: RewriteOptions;
  /** Fewest safe points that must be reached; default 1. */
  readonly points?: number;
  /** Calls one after the other instead of one; each goes on whatever the one before it ended with. */
  readonly calls?: readonly { readonly entry: string; readonly args: readonly unknown[] }[];
  /** Imports beside host functions, made anew for each group. */
  readonly links?: () => WebAssembly.Imports;
  /** Most safe points that are taken. */
  readonly limit?: number;
}

/** What can be observed of a run. */
export interface Outcome {
  /** How the call ended; a list if there were several. */
  readonly ending: unknown;
  readonly log: readonly unknown[];
  /** Exported memories and globals of every instance, at the end. */
  readonly visible: readonly unknown[];
}

const PRELUDE = `
  (global $ticks (mut i32) (i32.const 0)) (memory (export "memory") 1)
  (func $tick (result i32) (loop) (global.set $ticks (i32.add (global.get $ticks) (i32.const 1))) (global.get $ticks))
  (func $nothing (loop))
  (func $id (param i32) (result i32) (loop) (local.get 0))
  (func $two (param i32) (result i32 i64) (loop) (local.get 0) (i64.extend_i32_s (call $tick)))`;

/** A module around a function body; definitions of its own stand in front of the body, from `(type` to `(func`. */
export function moduleOf(text: string, results: string, params: string): string {
  if (text.trimStart().startsWith("(module")) return text;
  const locals = "(local $a i32) (local $b i32) (local $l i64) (local $x f32) (local $d f64) (local $v v128)";
  return `(module ${PRELUDE} (func $f (export "f") ${params} ${results} ${locals} ${text}))`;
}

/** Checks that a module, or a body, behaves the same in all three ways; the number of points that were taken. */
export function survives(text: string, options: Case & { readonly type?: string } = {}): number {
  const [params, results] = signature(options);
  return survivesLinked({ m: moduleOf(text, results, params) }, options);
}

/** The same for several modules: later ones import the exports of earlier ones under their names. */
export function survivesLinked(texts: Readonly<Record<string, string>>, options: Case = {}): number {
  const { every = 1, points: least = 1 } = options;
  const modules = Object.entries(texts).map(([name, wat]) => ({ name, bytes: (options.assemble ?? assemble)(wat) }));
  const scenario = new Scenario(modules, options);
  const plain = scenario.plain();
  if ("result" in options) assert.deepEqual(plain.ending, { returned: [options.result].flat() }, "plain engine");
  assert.deepEqual(scenario.rewritten().outcome, plain, "rewritten");
  const { outcome, points } = scenario.rewritten(every);
  assert.deepEqual(outcome, plain, `frozen at every ${every}. of ${points} points`);
  assert(points >= least, `at least ${least} points must be taken, found ${points}`);
  const marks = AUDITED && modules.every(({ bytes }) => markable(bytes));
  const form = { mostTurns: 3, marks, mirror: AUDITED && modules.length === 1, ...options.options };
  const mined = new Scenario(modules, { ...options, options: form }).rewritten(every);
  assert.deepEqual(mined.outcome, plain, `loops strip-mined, ${mined.points} points`);
  return points;
}

function signature({ args = [], type = "" }: Case & { readonly type?: string }): [string, string] {
  const [given, results = "i32"] = type.split("->").map((part) => part.trim());
  const params = given || args.map((arg) => (typeof arg === "bigint" ? "i64" : "i32")).join(" ");
  return [`(param ${params})`, results === "" ? "" : `(result ${results})`];
}

/** Whether a module can be rewritten with marks. */
export function markable(bytes: Uint8Array): boolean {
  return indexSpaces(decodeModule(bytes)).memories[0]?.index64 !== true;
}

/** Serialises and reads back, so that nothing but data gets through. */
export function carried(saved: SavedGroup): SavedGroup {
  return deserialize(serialize(saved)) as SavedGroup;
}

interface ModuleBytes {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** One program with its inputs, to be run in different ways. */
export class Scenario {
  readonly #modules: readonly ModuleBytes[];
  readonly #options: Case;
  readonly #programs: readonly LoadedProgram[];
  readonly #compiled = new Map<Uint8Array, WebAssembly.Module>();

  constructor(modules: readonly ModuleBytes[], options: Case) {
    this.#modules = modules;
    this.#options = options;
    const share = modules.length === 1 ? {} : { shareMemories: false };
    this.#programs = modules.map(({ name, bytes }) =>
      cached(loadProgram(bytes, name, { ...share, mostTurns: 1, ...options.options })),
    );
  }

  plain(): Outcome {
    const log: unknown[] = [];
    const linked: Record<string, WebAssembly.ModuleImports> = {};
    const instances: WebAssembly.Instance[] = [];
    const host = this.#host(log, () => instances.at(-1)!.exports);
    const outside = merged(
      plainImports(host, () => instances.at(-1)!),
      this.#options.links?.() ?? {},
    );
    const start = () => {
      for (const { name, bytes } of this.#modules) {
        instances.push(
          new WebAssembly.Instance(new WebAssembly.Module(bytes as BufferSource), { ...linked, ...outside }),
        );
        linked[name] = instances.at(-1)!.exports as WebAssembly.ModuleImports;
      }
    };
    const failed = plainEnding(start);
    const endings: Observed[] = "returned" in failed ? [] : [failed];
    for (const { entry, args } of endings.length ? [] : this.#calls()) {
      const fn = instances.at(-1)!.exports[entry] as (...args: unknown[]) => unknown;
      endings.push(plainEnding(() => fn(...args)));
      if ("exhausted" in endings.at(-1)!) break;
    }
    return outcomeOf(endings, log, "returned" in failed ? instances : []);
  }

  /** Runs rewritten, frozen and restored at every n-th safe point; 0: never. */
  rewritten(every = 0): { outcome: Outcome; points: number; group: Group } {
    const log: unknown[] = [];
    const { limit = 200_000 } = this.#options;
    let group = this.#group(log);
    let audits = auditsOf(group.instances);
    let points = 0;
    let polls = 0;
    const endings: Observed[] = [];
    for (const entry of this.#entries()) {
      let thread: Thread = group.spawn(entry, entry.args);
      for (;;) {
        group.policy = () => ++polls % every === 0;
        if (every > 0 && points < limit) group.request();
        else group.release();
        group.run(thread);
        for (const audit of audits) audit.look(`point ${points}`);
        for (const instance of group.instances) if (instance.mirror) auditMirror(instance);
        if (thread.ending) break;
        assert(++points <= 200_000, "progress");
        const saved = carried(captureGroup(group));
        group = this.#group(log, saved);
        restoreGroup(group, saved);
        audits = auditsOf(group.instances);
        for (const { mirror, memories } of group.instances) mirror?.wrote(0, memories[0]!.buffer.byteLength);
        thread = group.threads[0]!;
      }
      const ending = endingOf(thread.ending);
      if (entry.name === "start" && "returned" in ending) continue;
      endings.push(ending);
      if (entry.name === "start") return { outcome: outcomeOf(endings, log, []), points, group };
      if ("exhausted" in ending) break;
    }
    return { outcome: outcomeOf(endings, log, group.instances), points, group };
  }

  #calls(): readonly { readonly entry: string; readonly args: readonly unknown[] }[] {
    return this.#options.calls ?? [{ entry: this.#options.entry ?? "f", args: this.#options.args ?? [] }];
  }

  /** What runs, in order: the start functions, then the calls. */
  #entries() {
    const starts = this.#programs.flatMap(({ info }, instance) =>
      info.start === undefined
        ? []
        : [{ instance, function: info.start, name: "start", args: [] as readonly unknown[] }],
    );
    const instance = this.#programs.length - 1;
    const calls = this.#calls().map(({ entry: name, args }) => {
      const found = this.#programs[instance]!.info.exports.find((item) => item.kind === "func" && item.name === name);
      assert(found, `the last module exports a function ${name}`);
      return { instance, function: found.index, name, args };
    });
    return [...starts, ...calls];
  }

  #host(log: unknown[], exports: () => WebAssembly.Exports): HostImports {
    return this.#options.imports?.((entry) => log.push(entry), exports) ?? {};
  }

  #group(log: unknown[], saved?: SavedGroup): Group {
    const group = new Group({ compile: (bytes) => this.#compile(bytes) });
    const linked: Record<string, WebAssembly.ModuleImports> = { ...this.#options.links?.() };
    const host = this.#host(log, () => group.instances.at(-1)!.exports);
    for (const [number, { name }] of this.#modules.entries()) {
      const program = this.#programs[number]!;
      const windows = program.info.windows ? new Windows(new Pool()) : undefined;
      if (windows) windows.limit = WINDOW.highestLimit;
      const mirror = program.info.mirror ? mirrorForTests() : undefined;
      const options = { saved: saved?.instances[number], windows, mirror };
      const instance: Instance = group.add(name, program, host, linked, options);
      linked[name] = instance.exports as WebAssembly.ModuleImports;
    }
    return group;
  }

  #compile(bytes: Uint8Array): WebAssembly.Module {
    let module = this.#compiled.get(bytes);
    if (!module) this.#compiled.set(bytes, (module = new WebAssembly.Module(bytes as BufferSource)));
    return module;
  }
}

/** The program with its continuations kept: fresh instances ask for the same ones again and again. */
function cached(program: LoadedProgram): LoadedProgram {
  const made = new Map<string, ReturnType<LoadedProgram["continuations"]>>();
  return {
    ...program,
    continuations: (requests) => {
      const key = JSON.stringify(requests);
      let found = made.get(key);
      if (!found) made.set(key, (found = program.continuations(requests)));
      return found;
    },
  };
}

function plainImports(host: HostImports, caller: () => WebAssembly.Instance): WebAssembly.Imports {
  const call = {
    get memory() {
      return new Uint8Array((caller().exports["memory"] as WebAssembly.Memory).buffer);
    },
    progress: undefined,
    wait: () => "timed-out",
  } as unknown as HostCall;
  const imports: WebAssembly.Imports = {};
  for (const [module, functions] of Object.entries(host)) {
    const wrapped: WebAssembly.ModuleImports = (imports[module] = {});
    for (const [name, fn] of Object.entries(functions))
      wrapped[name] = (...args: HostValue[]) => fn.call(call, ...args);
  }
  return imports;
}

/** How one call ended. */
type Observed =
  | { returned: unknown[] }
  | { trapped: string }
  | { exhausted: true }
  | { exited: number }
  | { threw: string };

function outcomeOf(
  endings: readonly Observed[],
  log: readonly unknown[],
  instances: readonly { exports: WebAssembly.Exports }[],
): Outcome {
  const ending = endings.length === 1 ? endings[0] : endings;
  return { ending, log, visible: instances.map(({ exports }) => visible(exports)) };
}

function merged(first: WebAssembly.Imports, second: WebAssembly.Imports): WebAssembly.Imports {
  const all: WebAssembly.Imports = { ...first };
  for (const [module, fields] of Object.entries(second)) all[module] = { ...first[module], ...fields };
  return all;
}

function plainEnding(run: () => unknown): Observed {
  try {
    return { returned: results(run()) };
  } catch (thrown) {
    return thrownEnding(thrown);
  }
}

function thrownEnding(thrown: unknown): Observed {
  if (thrown instanceof WebAssembly.RuntimeError) return { trapped: messageOf(thrown) };
  if (stackExhausted(thrown)) return { exhausted: true };
  return { threw: thrown instanceof WebAssembly.Exception ? "exception" : messageOf(thrown) };
}

function endingOf(ending: Ending): Observed {
  if (ending.kind === "returned") return { returned: ending.results.map(plainValue) };
  if (ending.kind === "exited") return { exited: ending.code };
  return thrownEnding(ending.error);
}

function results(value: unknown): unknown[] {
  if (value === undefined) return [];
  return (Array.isArray(value) ? value : [value]).map(plainValue);
}

function plainValue(value: unknown): unknown {
  return typeof value === "function" ? "a function" : value;
}

function visible(exports: WebAssembly.Exports): unknown {
  return Object.entries(exports).flatMap(([name, value]) => {
    if (name.startsWith("rtcr:")) return [];
    if (value instanceof WebAssembly.Memory) return [[name, value.buffer.byteLength, hash(value)]];
    if (value instanceof WebAssembly.Global) return [[name, globalValue(value)]];
    return [];
  });
}

function globalValue(global: WebAssembly.Global): unknown {
  try {
    return plainValue(global.value);
  } catch {
    return "no JavaScript value";
  }
}

function hash(memory: WebAssembly.Memory): string {
  return createHash("sha1").update(new Uint8Array(memory.buffer)).digest("hex");
}
