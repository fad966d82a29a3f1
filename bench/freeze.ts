// How long does a freeze take, and what follows it?
//
//   npm run bench -- freeze [--json FILE] [--requests N] [--rounds N] [--sizes MIB,MIB]
//
// request: from the flag's store in one thread until the guest's thread is wholly frozen, beside a bare flag ping (the
//          other thread does nothing but load the flag); polls that found the flag set until it was honoured
// in place: freeze and thaw of the same frames again and again, without leaving the thread
// capture: a frozen program with a memory of n MiB into kept buffers, beside a plain copy of the same bytes
// checkpoint: the same into the directory store, beside writing the same bytes to a file and flushing it
// restore: from the store until the first instruction of the guest

import { closeSync, fsyncSync, mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { Worker } from "node:worker_threads";
import { CONTROL } from "../src/abi/index.ts";
import { loadProgram } from "../src/core/program.ts";
import { Arenas, captureGroup, Group, restoreGroup, type Thread } from "../src/engine/index.ts";
import { loadCheckpoint, nodeSha256, openDirectoryStore, saveCheckpoint } from "../src/store/index-node.ts";
import { assemble } from "../test/assemble.ts";
import { type Scenario, WORD } from "./freeze-protocol.ts";
import { median, minimum, quantile, rounded } from "./measure.ts";

/** Recursion that ends in a loop, loops, bulk operations, blocked calls. `pages` is the size of the memory. */
const guest = (pages: number) =>
  assemble(`(module
  (import "host" "block" (func $block)) (import "host" "inside" (func $inside))
  (memory (export "memory") ${pages})
  (func (export "loop") (local i32) (call $inside)
    (loop $l (i32.store (i32.const 64) (i32.add (i32.load (i32.const 64)) (local.tee 0 (i32.add (local.get 0) (i32.const 1))))) (br $l)))
  (func $deep (export "deep") (param i32) (result i32)
    (if (local.get 0) (then (return (i32.add (call $deep (i32.sub (local.get 0) (i32.const 1))) (local.get 0)))))
    (call $inside) (loop $l (local.set 0 (i32.add (local.get 0) (i32.const 3))) (br $l)) (unreachable))
  (func (export "bulk") (call $inside)
    (loop $l (memory.fill (i32.const 1024) (i32.const 7) (i32.sub (i32.mul (memory.size) (i32.const 65536)) (i32.const 4096))) (br $l)))
  (func (export "blocked") (call $block)))`);

/** Stands for the hash of the guest. */
const HASH = "00".repeat(32);
const MIB = 16;
/** For the guest to get under way. */
const DEADLINE_MS = 10_000;
const SCENARIOS: readonly Scenario[] = [
  { name: "flag ping", entry: "loop", args: [], ping: true },
  { name: "compute loop", entry: "loop", args: [] },
  ...[10, 100, 1_000, 10_000].map((depth) => ({ name: `recursion ${depth} deep`, entry: "deep", args: [depth] })),
  { name: "bulk operations of 16 MiB", entry: "bulk", args: [] },
  { name: "blocked call", entry: "blocked", args: [] },
];

export async function run(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      json: { type: "string" },
      requests: { type: "string", default: "200" },
      rounds: { type: "string", default: "7" },
      sizes: { type: "string", default: "1,16,64,256" },
    },
  });
  const requests: object[] = [];
  for (const scenario of SCENARIOS) {
    requests.push(await requestRow(scenario, Number(values.requests)));
    console.error(JSON.stringify(requests.at(-1)));
  }
  console.log("request until frozen, microseconds");
  console.table(requests);
  const inPlace = [1, 10, 100, 1_000, 10_000].map((depth) => inPlaceRow(depth));
  console.log("freeze and thaw in place");
  console.table(inPlace);
  const states: object[] = [];
  for (const sizeMiB of values.sizes.split(",").map(Number))
    states.push(await stateRow(sizeMiB, Number(values.rounds)));
  console.log("capture, checkpoint, restore, milliseconds");
  console.table(states);
  const { version: node } = process;
  const result = { bench: "freeze", requests, inPlace, states, node, v8: process.versions.v8, rounds: values.rounds };
  if (values.json) writeFileSync(values.json, `${JSON.stringify(result, null, 2)}\n`);
  return 0;
}

async function requestRow(scenario: Scenario, requests: number): Promise<object> {
  const words = new Int32Array(new SharedArrayBuffer(16));
  const times = new BigInt64Array(new SharedArrayBuffer(16));
  const bytes = guest(MIB * 16);
  const worker = new Worker(new URL("./freeze-worker.ts", import.meta.url), {
    workerData: { scenario, bytes, words, times },
  });
  const failed = new Promise<never>((_, reject) => worker.once("error", reject));
  const control = await Promise.race([
    failed,
    new Promise<SharedArrayBuffer>((resolve) => worker.once("message", resolve)),
  ]);
  const flags = new Int32Array(control);
  const latencies: number[] = [];
  const polls: number[] = [];
  for (let round = 0; round < requests; round++) {
    latencies.push(oneRequest(flags, words, times, round));
    polls.push(Number(times[1]));
  }
  await worker.terminate();
  const us = (value: number) => rounded(value, 1);
  return {
    name: scenario.name,
    p50: us(median(latencies)),
    p99: us(quantile(latencies, 0.99)),
    max: us(Math.max(...latencies)),
    "polls at most": Math.max(...polls),
  };
}

/** Lets the guest run, asks for a freeze when it is under way, waits until it stands; microseconds in between. */
function oneRequest(flags: Int32Array, words: Int32Array, times: BigInt64Array, round: number): number {
  const flag = CONTROL.flag >> 2;
  const event = CONTROL.event >> 2;
  Atomics.store(flags, flag, 0);
  Atomics.store(words, WORD.go, round + 1);
  Atomics.notify(words, WORD.go);
  const begin = performance.now();
  const delayMs = 0.2 + Math.random();
  // Thawed threads do not pass their first call again: after the first round the delay alone says they run.
  while ((round === 0 && Atomics.load(words, WORD.inside) === 0) || performance.now() - begin < delayMs) {
    if (performance.now() - begin > DEADLINE_MS)
      throw new Error("the guest has not come to the place where it is to be frozen");
  }
  const start = process.hrtime.bigint();
  Atomics.store(flags, flag, 1);
  Atomics.add(flags, event, 1);
  Atomics.notify(flags, event);
  while (Atomics.load(words, WORD.done) <= round) Atomics.wait(words, WORD.done, round, 1_000);
  return Number(times[0]! - start) / 1000;
}

/** A thread frozen `depth` calls deep, in a program with a memory of `pages`. */
function frozen(depth: number, pages: number): { group: Group; thread: Thread } {
  const nothing = { freeze: "instant" as const, call: () => undefined };
  const group = new Group();
  const program = loadProgram(guest(pages), HASH);
  group.add("guest", program, { host: { block: nothing, inside: nothing } });
  const entry = program.info.exports.find(({ name }) => name === "deep")!;
  const thread = group.spawn({ instance: 0, function: entry.index, name: "deep" }, [depth]);
  let polls = 0;
  group.policy = () => ++polls > depth;
  group.request();
  group.run(thread);
  group.policy = () => true;
  return { group, thread };
}

function inPlaceRow(depth: number): object {
  const { group, thread } = frozen(depth, 1);
  const times: number[] = [];
  for (let round = 0; round < 100; round++) {
    const start = performance.now();
    group.run(thread);
    times.push((performance.now() - start) * 1000);
  }
  const us = (value: number) => rounded(value, 1);
  return { depth, "first us": us(times[0]!), "p50 us": us(median(times)), "p99 us": us(quantile(times, 0.99)) };
}

async function stateRow(sizeMiB: number, rounds: number): Promise<object> {
  const { group } = frozen(10, sizeMiB * 16);
  const memory = group.instances[0]!.bytes();
  const kept = new Uint8Array(memory.length).fill(1);
  const arenas = new Arenas();
  captureGroup(group, arenas);
  const samples: Record<"copy" | "capture" | "file" | "checkpoint" | "restore", number[]> = {
    ...{ copy: [], capture: [], file: [], checkpoint: [], restore: [] },
  };
  const folder = mkdtempSync(join(process.cwd(), ".bench-freeze-"));
  try {
    for (let round = 0; round < rounds; round++) {
      for (let at = 0; at < memory.length; at += 4096) memory[at] = Math.random() * 256;
      samples.copy.push(await ms(() => kept.set(memory)));
      samples.capture.push(await ms(() => captureGroup(group, arenas)));
      samples.file.push(await ms(() => writeFlushed(join(folder, "plain"), kept)));
      const store = await openDirectoryStore(join(folder, `store-${round}`));
      const saved = captureGroup(group, arenas);
      const point = { created: "2026-01-01T00:00:00.000Z", name: "bench", program: {}, sessions: {}, group: saved };
      samples.checkpoint.push(await ms(() => saveCheckpoint(store, point, { sha256: nodeSha256 })));
      samples.restore.push(await restoreMs(store, kept, sizeMiB));
      await store.close();
      rmSync(join(folder, `store-${round}`), { recursive: true });
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  const least = (name: keyof typeof samples) => rounded(minimum(samples[name]));
  const { copy, capture, file, checkpoint } = samples;
  return {
    MiB: sizeMiB,
    ...{ copy: least("copy"), capture: least("capture"), "capture/copy": rounded(minimum(capture) / minimum(copy)) },
    ...{ file: least("file"), checkpoint: least("checkpoint") },
    "checkpoint/file": rounded(minimum(checkpoint) / minimum(file)),
    "restore to first instruction": least("restore"),
  };
}

/** Reads the checkpoint back, restores it into a fresh group and lets the guest run to its next poll. */
async function restoreMs(
  store: Awaited<ReturnType<typeof openDirectoryStore>>,
  kept: Uint8Array,
  sizeMiB: number,
): Promise<number> {
  const nothing = { freeze: "instant" as const, call: () => undefined };
  const program = loadProgram(guest(sizeMiB * 16), HASH);
  return ms(async () => {
    const { group: saved } = await loadCheckpoint(store, "latest", { sha256: nodeSha256, allocate: () => kept });
    const group = new Group();
    group.add("guest", program, { host: { block: nothing, inside: nothing } });
    restoreGroup(group, saved);
    group.request();
    group.run(group.threads[0]!);
  });
}

async function ms(work: () => unknown): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

function writeFlushed(path: string, bytes: Uint8Array): void {
  const file = openSync(path, "w");
  for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at, Math.min(1 << 20, bytes.length - at));
  fsyncSync(file);
  closeSync(file);
}
