// What does a caller that is blocked 50 frames deep cost: suspended in place, or unwound to records?
//
//   npm run bench -- blocked [--json FILE] [--rounds N] [--depths N,N]
//
// in place: JavaScript Promise Integration: the host function returns a promise, the engine keeps the stack as it is and
//           goes on with it when the promise is resolved. Twenty such callers are suspended at a time, as in a system.
// unwound:  what the kernel does: the call gives way, the frames are written as records, later they are thawed; with one
//           thread (its records stay resident) and with twenty that take turns (theirs are moved out and in)
// nested:   the call runs in its caller's host call and blocks nobody: the usual case, where neither is needed
//
// A checkpoint needs frames as data. What is suspended in place has none: it must be let run to its next safe point
// first, which in a blocked call means that the call must return early ("interrupted") and the unwinding is done then: the
// costs add. The bench shows that sum as well.

import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import type { HostCall } from "../src/abi/index.ts";
import { loadProgram } from "../src/core/program.ts";
import { Group, type Thread } from "../src/engine/index.ts";
import { assemble } from "../test/assemble.ts";
import { median, rounded } from "./measure.ts";

const CALLERS = 20;
const BLOCKS = 200;

/** Descends, and blocks again and again at the bottom. */
const GUEST = `(module (import "h" "block" (func $block (result i32)))
  (func $down (param $depth i32) (param $blocks i32) (result i32)
    (if (local.get $depth) (then
      (return (i32.add (call $down (i32.sub (local.get $depth) (i32.const 1)) (local.get $blocks)) (local.get $depth)))))
    (loop $again
      (drop (call $block))
      (br_if $again (local.tee $blocks (i32.sub (local.get $blocks) (i32.const 1)))))
    (i32.const 1))
  (func (export "f") (param i32 i32) (result i32) (call $down (local.get 0) (local.get 1))))`;

interface Jspi {
  readonly Suspending: new (fn: () => unknown) => WebAssembly.ImportValue;
  readonly promising: (fn: unknown) => (...args: number[]) => Promise<number>;
}

const bytes = assemble(GUEST);

/** Nanoseconds for one block and its end, callers suspended in place; undefined where the engine cannot do that. */
async function inPlace(depth: number): Promise<number | undefined> {
  const jspi = WebAssembly as unknown as Partial<Jspi>;
  if (!jspi.Suspending || !jspi.promising) return undefined;
  const waiting: ((value: number) => void)[] = [];
  const block = () => new Promise<number>((resolve) => waiting.push(resolve));
  const imports = { h: { block: new jspi.Suspending(block) } };
  const { instance } = await WebAssembly.instantiate(bytes, imports);
  const f = jspi.promising(instance.exports["f"]);
  const ends = Array.from({ length: CALLERS }, () => f(depth, BLOCKS));
  let over = false;
  const all = Promise.all(ends).then(() => (over = true));
  const begin = performance.now();
  while (!over) {
    for (const resolve of waiting.splice(0)) resolve(0);
    await Promise.resolve();
  }
  await all;
  return ((performance.now() - begin) * 1e6) / (CALLERS * BLOCKS);
}

/** The same with callers that unwind. */
function unwound(depth: number, callers: number): number {
  const group = new Group({ parks: true });
  const program = loadProgram(bytes, "00".repeat(32));
  const call = (call: HostCall) => (call.progress === undefined ? call.freeze(1) : 0);
  group.add("guest", program, { h: { block: { freeze: "restartable", call } } });
  const { index } = program.info.exports.find(({ name }) => name === "f")!;
  const spawn = (): Thread => group.spawn({ instance: 0, function: index, name: "f" }, [depth, BLOCKS]);
  const threads = Array.from({ length: callers }, spawn);
  for (const thread of threads) group.run(thread); // continuations are compiled
  const begin = performance.now();
  let runs = 0;
  for (let alive = threads; alive.length > 0; alive = alive.filter(({ state }) => state !== "ended")) {
    for (const thread of alive) {
      group.run(thread);
      runs++;
    }
  }
  return ((performance.now() - begin) * 1e6) / runs;
}

export async function run(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      json: { type: "string" },
      rounds: { type: "string", default: "15" },
      depths: { type: "string", default: "1,50,500" },
    },
  });
  const rows: object[] = [];
  for (const depth of values.depths.split(",").map(Number)) rows.push(await row(depth, Number(values.rounds)));
  console.log("nanoseconds from a call that blocks until its caller goes on");
  console.table(rows);
  const { version: node } = process;
  const result = { bench: "blocked", rows, node, v8: process.versions.v8, rounds: values.rounds };
  if (values.json) writeFileSync(values.json, `${JSON.stringify(result, null, 2)}\n`);
  return 0;
}

async function row(depth: number, rounds: number): Promise<object> {
  const samples = { inPlace: [] as number[], one: [] as number[], many: [] as number[] };
  for (let round = 0; round <= rounds; round++) {
    const suspended = await inPlace(depth);
    const one = unwound(depth, 1);
    const many = unwound(depth, CALLERS);
    if (round === 0) continue; // the engine compiles
    if (suspended !== undefined) samples.inPlace.push(suspended);
    samples.one.push(one);
    samples.many.push(many);
  }
  const figure = (list: number[]) => (list.length > 0 ? rounded(median(list), 0) : "not in this engine");
  return {
    frames: depth,
    "in place": figure(samples.inPlace),
    unwound: figure(samples.one),
    "unwound, 20 take turns": figure(samples.many),
    "in place, then unwound": figure(samples.inPlace.map((value, i) => value + samples.one[i]!)),
  };
}
