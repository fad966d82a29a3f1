// What do dataspaces, region maps and signals cost core, against how many objects live and how large they are?
//
// First table: microseconds an operation while 10 to 100,000 dataspaces live and are attached in one map; the objects
// that are taken away and made again are spread over all of them. Second: by size, in a component's linear memory and
// behind windows; `fill` is the same bytes set by hand, for comparison.
//
//   npm run bench -- dataspaces [--json FILE] [--rounds N]
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import {
  type CorePd,
  type CoreRegionMap,
  createCoreContext,
  createRootPd,
  type MemoryWindows,
  PlainMemory,
} from "../src/core/index.ts";
import { Pool, Windows } from "../src/engine/index.ts";
import type { Capability, Dataspace } from "../src/session/index.ts";
import { median, minimum, rounded, timed } from "./measure.ts";

const LIVE = [10, 100, 1000, 10_000, 100_000];
const SIZES = [4 << 10, 64 << 10, 1 << 20, 16 << 20, 64 << 20];
const BATCH = 1000;

function value<T>(attempt: { readonly ok: boolean; readonly value?: T; readonly reason?: string }): T {
  if (!attempt.ok) throw new Error(attempt.reason);
  return attempt.value as T;
}

function makePd(windows?: MemoryWindows): { pd: CorePd; map: CoreRegionMap; memory: PlainMemory } {
  const donation = { ram: 2 ** 40, caps: 10_000_000 };
  const pd = createRootPd(createCoreContext(), { label: "bench", donation });
  const wasm = new WebAssembly.Memory({ initial: 1, maximum: 65_536, shared: true });
  const memory = new PlainMemory(wasm, windows);
  pd.addressSpaceMap.bind(memory);
  return { pd, map: pd.addressSpaceMap, memory };
}

/** Microseconds of each operation with `live` other objects around. */
function withLive(live: number, rounds: number): Record<string, number> {
  const { pd, map } = makePd();
  const objects: { dataspace: Capability<Dataspace>; at: number }[] = [];
  const make = () => {
    const dataspace = value(pd.alloc(4096));
    return { dataspace, at: value(map.attach(dataspace)) };
  };
  for (let i = 0; i < live; i++) objects.push(make());
  const source = value(pd.allocSignalSource());
  const contexts = Array.from({ length: live }, (_, index) => value(pd.allocContext(source, index)));
  const batch = Math.min(live, BATCH);
  const step = Math.floor(live / batch);
  const chosen = Array.from({ length: batch }, (_, index) => index * step);
  const samples: Record<string, number[]> = { alloc: [], attach: [], lookUp: [], detach: [], free: [], signal: [] };
  const sample = (name: string, work: () => void) => samples[name]!.push((timed(work) * 1000) / batch);
  for (let round = 0; round < rounds; round++) {
    sample("lookUp", () => {
      for (const i of chosen) map.resolve(objects[i]!.at, "read");
    });
    sample("detach", () => {
      for (const i of chosen) map.detach(objects[i]!.at);
    });
    sample("free", () => {
      for (const i of chosen) pd.free(objects[i]!.dataspace);
    });
    sample("alloc", () => {
      for (const i of chosen) objects[i] = { dataspace: value(pd.alloc(4096)), at: 0 };
    });
    sample("attach", () => {
      for (const i of chosen) objects[i]!.at = value(map.attach(objects[i]!.dataspace));
    });
    sample("signal", () => {
      for (const i of chosen) pd.submit(contexts[i]!);
      for (let i = 0; i < batch; i++) source.object!.take();
    });
  }
  const times = Object.entries(samples).map(([name, values]) => [name, rounded(median(values), 2)] as const);
  return { live, ...Object.fromEntries(times) };
}

/** Microseconds of each operation on a dataspace that is full of bytes. */
function withSize(bytes: number, rounds: number): Record<string, number> {
  const linear = makePd();
  const behind = makePd(new Windows(new Pool()));
  const buffer = new Uint8Array(bytes);
  const samples: Record<string, number[]> = {};
  const sample = (name: string, work: () => void) => (samples[name] ??= []).push(timed(work) * 1000);
  for (let round = 0; round <= rounds; round++) {
    sample("fill", () => buffer.fill(round));
    for (const [kind, { pd, map }] of [
      ["linear", linear],
      ["windows", behind],
    ] as const) {
      let dataspace = value(pd.alloc(bytes));
      let at = 0;
      sample(`${kind} first attach`, () => (at = value(map.attach(dataspace))));
      dataspace.object!.write(0, buffer);
      sample(`${kind} detach`, () => map.detach(at));
      sample(`${kind} attach`, () => (at = value(map.attach(dataspace))));
      sample(`${kind} free`, () => pd.free(dataspace));
      dataspace = value(pd.alloc(4096));
      pd.free(dataspace);
    }
  }
  const times = Object.entries(samples).map(([name, values]) => [name, rounded(minimum(values.slice(1)), 1)] as const); // the first compiles
  return { KiB: bytes >> 10, ...Object.fromEntries(times) };
}

export async function run(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: { json: { type: "string" }, rounds: { type: "string", default: "7" } },
  });
  const rounds = Number(values.rounds);
  const { live, sizes } = dataspaceRows(rounds);
  const result = { bench: "dataspaces", rounds, node: process.version, v8: process.versions.v8, live, sizes };
  if (values.json) writeFileSync(values.json, `${JSON.stringify(result, undefined, 2)}\n`);
  return 0;
}

/** Measures and prints both tables. */
export function dataspaceRows(rounds: number) {
  withLive(1000, 20); // compiled before it is measured
  const live = LIVE.map((count) => withLive(count, Math.max(rounds, Math.ceil((5 * BATCH) / count))));
  console.log("microseconds an operation, median, by live objects");
  console.table(live);
  const sizes = SIZES.map((bytes) => withSize(bytes, rounds));
  console.log("microseconds an operation, minimum, by size");
  console.table(sizes);
  return { live, sizes };
}
