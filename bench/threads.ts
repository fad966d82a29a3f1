// What do threads of one component gain on several CPUs, and what does it cost them to meet there?
//
//   npm run bench -- threads [--json FILE] [--rounds N] [--turns N] [--locks N]
//
// compute: threads of `thread-spawn`, each so many turns of a loop of its own, until all have ended
// lock:    the same, each takes and gives back one mutex so many times (memory.atomic.wait and notify where it is held)

import { writeFileSync } from "node:fs";
import { loadavg } from "node:os";
import { parseArgs } from "node:util";
import { startNodeCpu } from "../src/core/index-node.ts";
import { startKernelTicker } from "../src/core/kernel/index.ts";
import { assemble } from "../test/assemble.ts";
import { TestSystem } from "../test/support/kernel-system.ts";
import { until } from "../test/support/until.ts";
import { median, rounded } from "./measure.ts";

const CPUS = 3;

/** Starts `threads` threads; 64: turns of each, 68: those that have ended, 72: a mutex, 76: what it is for. */
const program = (threads: number, turn: string): Uint8Array =>
  assemble(`(module
  (import "env" "memory" (memory 2 4 shared))
  (import "wasi" "thread-spawn" (func $spawn (param i32) (result i32)))
  (func $compute (param $state i64) (result i64)
    (local.set $state (i64.xor (local.get $state) (i64.shl (local.get $state) (i64.const 13))))
    (local.set $state (i64.xor (local.get $state) (i64.shr_u (local.get $state) (i64.const 7))))
    (i64.xor (local.get $state) (i64.shl (local.get $state) (i64.const 17))))
  (func $lock (param $state i64) (result i64)
    (block $free
      (loop $again
        (br_if $free (i32.eqz (i32.atomic.rmw.xchg (i32.const 72) (i32.const 1))))
        (drop (memory.atomic.wait32 (i32.const 72) (i32.const 1) (i64.const -1)))
        (br $again)))
    (i32.store (i32.const 76) (i32.add (i32.load (i32.const 76)) (i32.const 1)))
    (i32.atomic.store (i32.const 72) (i32.const 0))
    (drop (memory.atomic.notify (i32.const 72) (i32.const 1)))
    (local.get $state))
  (func (export "wasi_thread_start") (param $id i32) (param $number i32) (local $i i32) (local $state i64)
    (local.set $state (i64.extend_i32_u (local.get $number)))
    (loop $again
      (local.set $state (call $${turn} (local.get $state)))
      (br_if $again (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.load (i32.const 64)))))
    (i64.store (i32.add (i32.const 256) (i32.shl (local.get $number) (i32.const 3))) (local.get $state))
    (drop (i32.atomic.rmw.add (i32.const 68) (i32.const 1))))
  (func (export "rtcr_component_start")
    ${Array.from({ length: threads }, (_, i) => `(drop (call $spawn (i32.const ${i + 1})))`).join(" ")}))`);

interface Case {
  readonly name: string;
  readonly turn: "compute" | "lock";
  readonly threads: number;
  readonly cpus: number;
}

const CASES: readonly Case[] = (["compute", "lock"] as const).flatMap((turn) => [
  { name: `${turn}: one thread`, turn, threads: 1, cpus: 1 },
  { name: `${turn}: two threads, one CPU`, turn, threads: 2, cpus: 1 },
  { name: `${turn}: two threads, two CPUs`, turn, threads: 2, cpus: 2 },
]);

/** Milliseconds until all threads have ended. */
async function measure(system: TestSystem, { name, turn, threads, cpus }: Case, turns: number): Promise<number> {
  const made = system.component(name, program(threads, turn), { cpu: 1, cpus });
  const { component } = made;
  component.words[16] = turns;
  const begin = performance.now();
  made.start("main");
  await until(() => component.words[17] === threads);
  const ms = performance.now() - begin;
  if (turn === "lock" && component.words[19] !== threads * turns) throw new Error("the mutex has not excluded");
  made.pd.destroy();
  return ms;
}

export async function run(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      json: { type: "string" },
      rounds: { type: "string", default: "7" },
      turns: { type: "string", default: "30000000" },
      locks: { type: "string", default: "20000" },
    },
  });
  const system = new TestSystem({ cpus: { width: CPUS, height: 1, start: startNodeCpu }, ticker: startKernelTicker });
  await system.kernel.ready;
  const turns = { compute: Number(values.turns), lock: Number(values.locks) };
  const samples = new Map(CASES.map((each) => [each, [] as number[]]));
  for (let round = 0; round < Number(values.rounds); round++) {
    for (const each of CASES) samples.get(each)!.push(await measure(system, each, turns[each.turn]));
  }
  system.close();
  const rows = CASES.map((each) => {
    const [ms, base] = [samples.get(each)!, samples.get(CASES.find(({ turn }) => turn === each.turn)!)!];
    const ratio = median(ms.map((value, round) => value / base[round]!));
    return {
      name: each.name,
      ms: rounded(median(ms), 1),
      least: rounded(Math.min(...ms), 1),
      "to one": rounded(ratio, 2),
    };
  });
  console.table(rows);
  console.log(`load ${rounded(loadavg()[0]!, 0)}`);
  if (values.json) writeFileSync(values.json, `${JSON.stringify(rows, null, 2)}\n`);
  return 0;
}
