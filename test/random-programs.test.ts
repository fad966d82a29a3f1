// Random programs: modules of Binaryen's fuzzer, every exported function called: plain engine = rewritten = frozen and
// restored into fresh groups.
//
// RTCR_SEED names the first program and RTCR_PROGRAMS their number, to repeat one: each failure prints its seed.

import assert from "node:assert/strict";
import { after, test } from "node:test";
import type { HostImports, HostValue } from "../src/abi/index.ts";
import { captureGroup, EngineFault } from "../src/engine/index.ts";
import { decodeModule, EXNREF, emptyModule, encodeModule, I32, I64, type Module } from "../src/wasm/index.ts";
import { assemble } from "./assemble.ts";
import { seededRandom, seedOr } from "./random.ts";
import { RandomModules } from "./random-modules.ts";
import { markable, Scenario } from "./torture.ts";

const PROGRAMS = Number(process.env["RTCR_PROGRAMS"] ?? 500);
const FIRST = seedOr(1);
const POINTS = 40;

const COMMON = [
  "simd", "bulk-memory", "bulk-memory-opt", "reference-types", "multivalue", "tail-call", "sign-ext",
  "mutable-globals", "nontrapping-float-to-int", "extended-const",
]; // biome-ignore format: one list
const KINDS = [
  { name: "common features", features: COMMON, more: [] },
  { name: "exceptions", features: [...COMMON, "exception-handling"], more: ["--emit-exnref"] },
  {
    name: "threads and memories",
    features: [...COMMON, "threads", "multimemory", "memory64", "relaxed-simd"],
    more: [],
  },
];
const random = new RandomModules();
after(() => random.close());

/** Logs a vector: JavaScript functions cannot take one. */
const VECTORS = assemble(`(module (import "host" "log" (func $log (param i64 i64)))
  (func (export "log-v128") (param v128) (call $log (i64x2.extract_lane 0 (local.get 0)) (i64x2.extract_lane 1 (local.get 0)))))`);

type Log = (entry: unknown) => void;
type Call = (...args: unknown[]) => unknown;

/** What Binaryen's fuzzer expects of a host, as its own script in V8 does it. */
function host(log: Log, exports: () => WebAssembly.Exports, tag: WebAssembly.Tag): HostImports {
  const visible = () =>
    Object.entries(exports()).filter(([name, value]) => !name.startsWith("rtcr:") && typeof value === "function");
  const callExport = (index: HostValue) => {
    const functions = visible();
    (functions[Number(index) >>> (0 % functions.length)]?.[1] as Call | undefined)?.();
  };
  const table = () => exports()["table"] as WebAssembly.Table;
  const caught = (call: () => void) => {
    try {
      call();
      return 0;
    } catch (thrown) {
      if (thrown instanceof RangeError) throw thrown;
      return 1;
    }
  };
  const instant = (call: Call) => ({
    freeze: "instant" as const,
    call: (_: unknown, ...args: HostValue[]) => call(...args) as HostValue,
  });
  const logged = (name: string) => instant((value) => log([name, value]));
  const thrown = instant((value) => {
    throw new WebAssembly.Exception(tag, [value as number]);
  });
  const support = {
    throw: thrown,
    "log-i32": logged("i32"), "log-i64": logged("i64"), "log-f32": logged("f32"), "log-f64": logged("f64"),
    "table-get": instant((index) => table().get((Number(index) >>> 0) % table().length)),
    "table-set": instant((index, value) => table().set((Number(index) >>> 0) % table().length, value)),
    "call-ref": instant((reference) => void (reference as Call)()),
    "call-ref-catch": instant((reference) => caught(() => void (reference as Call)())),
    "call-export": instant((index) => callExport(index as HostValue)),
    "call-export-catch": instant((index) => caught(() => callExport(index as HostValue))),
    sleep: { freeze: "restartable" as const, call: (_: unknown, _ms: HostValue, id: HostValue) => id },
  }; // biome-ignore format: one line a function
  return { "fuzzing-support": support as HostImports[string] };
}

/** Globals of the types that a module imports, as exports of a module that defines them. */
function globalsFor(module: Module): WebAssembly.ModuleImports {
  const wanted = module.imports.filter((entry) => entry.kind === "global");
  const zero = (type: number): Uint8Array => {
    if (type === I32) return new Uint8Array([0x41, 0, 0x0b]);
    if (type === I64) return new Uint8Array([0x42, 0, 0x0b]);
    if (type === 0x7d) return new Uint8Array([0x43, 0, 0, 0, 0, 0x0b]);
    if (type === 0x7c) return new Uint8Array([0x44, 0, 0, 0, 0, 0, 0, 0, 0, 0x0b]);
    if (type === 0x7b) return new Uint8Array([0xfd, 12, ...new Uint8Array(16), 0x0b]);
    return new Uint8Array([0xd0, type === EXNREF ? 0x69 : type & 0xff || 0x70, 0x0b]);
  };
  const bytes = encodeModule({
    ...emptyModule(),
    globals: wanted.map(({ global }) => ({ type: global, init: zero(global.type) })),
    exports: wanted.map(({ name }, index) => ({ name, kind: "global", index })),
  });
  return new WebAssembly.Instance(new WebAssembly.Module(bytes)).exports as WebAssembly.ModuleImports;
}

function scenario(random: Uint8Array, seed: number): Scenario {
  const module = decodeModule(random);
  module.start = undefined; // it would call exports of an instance that does not exist yet
  const bytes = encodeModule(module);
  const { below } = seededRandom(seed);
  const functions = new WebAssembly.Module(bytes as BufferSource);
  const imported = module.imports.filter((entry) => entry.kind === "func").map((entry) => entry.type);
  const argument = (type: number) =>
    type === I64 ? BigInt(below(100)) : type === I32 || type === 0x7d || type === 0x7c ? below(100) : null;
  const calls = WebAssembly.Module.exports(functions)
    .filter(({ kind }) => kind === "function")
    .map(({ name }) => {
      const { index } = module.exports.find((entry) => entry.name === name)!;
      const type =
        module.types[index < imported.length ? imported[index]! : module.functions[index - imported.length]!]!;
      return { entry: name, args: type.params!.map(argument) };
    });
  const tag = new WebAssembly.Tag({ parameters: ["i32"] });
  let record: Log = () => {};
  const links = (): WebAssembly.Imports => {
    const vectors = new WebAssembly.Instance(new WebAssembly.Module(VECTORS), {
      host: { log: (...lanes: unknown[]) => record(lanes) },
    });
    const jstag = (WebAssembly as unknown as { JSTag: WebAssembly.Tag }).JSTag;
    return {
      "fuzzing-support": { wasmtag: tag, jstag, ...vectors.exports } as unknown as WebAssembly.ModuleImports,
      __fuzz_import: globalsFor(module),
    };
  };
  const imports = (log: Log, exports: () => WebAssembly.Exports) => {
    record = log;
    return host(log, exports, tag);
  };
  return new Scenario([{ name: "random", bytes }], {
    calls,
    links,
    imports,
    limit: POINTS,
    options: { mostTurns: 1 + (seed % 4), marks: seed % 2 === 0 && markable(bytes), mirror: seed % 3 > 0 },
  });
}

const totals = { programs: 0, points: 0, refused: 0, exhausted: 0 };

async function check(seed: number): Promise<void> {
  const { features, more } = KINDS[seed % KINDS.length]!;
  const { below } = seededRandom(seed);
  const input = Uint8Array.from({ length: 300 + below(1500) }, () => below(256));
  const bytes = await random.make(input, features, more);
  const program = scenario(bytes, seed);
  const plain = program.plain();
  if ([plain.ending].flat().some((ending) => "exhausted" in (ending as object))) {
    totals.exhausted++;
    return;
  }
  const rewritten = program.rewritten();
  assert.deepEqual(rewritten.outcome, plain, `seed ${seed}: rewritten`);
  try {
    const tortured = program.rewritten(1 + below(4));
    totals.points += tortured.points;
    assert.deepEqual(tortured.outcome, plain, `seed ${seed}: frozen and restored at ${tortured.points} points`);
    assert.deepEqual(captureGroup(tortured.group), captureGroup(rewritten.group), `seed ${seed}: state at the end`);
  } catch (thrown) {
    if (!(thrown instanceof EngineFault && thrown.code === "unsaveable")) throw thrown;
    totals.refused++;
  }
  totals.programs++;
}

const BATCH = 50;
for (let first = FIRST; first < FIRST + PROGRAMS; first += BATCH) {
  const last = Math.min(first + BATCH, FIRST + PROGRAMS) - 1;
  test(`random programs, seeds ${first} to ${last}`, async () => {
    for (let seed = first; seed <= last; seed++)
      await check(seed).catch((thrown) => {
        throw new Error(`seed ${seed} (repeat with RTCR_SEED=${seed} RTCR_PROGRAMS=1)`, { cause: thrown });
      });
  });
}

test("random programs: what was covered", (t) => {
  t.diagnostic(JSON.stringify(totals));
  if (PROGRAMS < 100) return;
  assert(totals.points > PROGRAMS, `more than ${PROGRAMS} points, found ${totals.points}`);
});
