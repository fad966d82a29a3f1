// What do dataspaces, region maps and signals cost core, against how many objects live and how large they are?
//
// First tables: microseconds an operation while 10 to 100,000 dataspaces live and are attached in one map. What is looked up,
// taken away and made again is the same ten each time, which shows steps alone; a thousand neighbours, whose objects and
// pages the machine's caches expect; or a thousand anywhere, which are in no cache. Last: by size, in a component's linear memory and
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
const ORDERS = ["the same ten", "in order", "at random"] as const;
type Order = (typeof ORDERS)[number];

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

/** Numbers of objects, none twice. */
function choose(order: Order, live: number): readonly number[] {
  const batch = Math.min(live, order === "the same ten" ? 10 : BATCH);
  const numbers = (at: (index: number) => number) => Array.from({ length: batch }, (_, index) => at(index));
  if (order === "the same ten") return numbers((index) => (index * live) / batch);
  const first = Math.floor(Math.random() * (live - batch + 1));
  if (order === "in order") return numbers((index) => first + index);
  const chosen = new Set<number>();
  while (chosen.size < batch) chosen.add(Math.floor(Math.random() * live));
  return [...chosen];
}

/** Microseconds of each operation, by order, with `live` other objects around. */
function withLive(live: number, rounds: number): Samples[] {
  const { pd, map } = makePd();
  const objects: { dataspace: Capability<Dataspace>; at: number }[] = [];
  const make = () => {
    const dataspace = value(pd.alloc(4096));
    return { dataspace, at: value(map.attach(dataspace)) };
  };
  for (let i = 0; i < live; i++) objects.push(make());
  const source = value(pd.allocSignalSource());
  const contexts = Array.from({ length: live }, (_, index) => value(pd.allocContext(source, index)));
  const turn = (order: Order, values: Record<string, number[]>) => {
    const chosen = choose(order, live);
    const sample = (name: string, work: () => void) => values[name]!.push((timed(work) * 1000) / chosen.length);
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
      for (let i = 0; i < chosen.length; i++) source.object!.take();
    });
  };
  return ORDERS.map((order) => {
    const values = { lookUp: [], detach: [], free: [], alloc: [], attach: [], signal: [] };
    const turns = Math.max(rounds, Math.ceil((rounds * BATCH) / Math.min(live, order === "the same ten" ? 10 : BATCH)));
    for (let i = 0; i < turns; i++) turn(order, values);
    return { live, order, values };
  });
}

interface Samples {
  readonly live: number;
  readonly order: Order;
  readonly values: Readonly<Record<string, readonly number[]>>;
}

function rowsOf(samples: readonly Samples[], statistic: (values: readonly number[]) => number): object[] {
  return samples.map(({ live, order, values }) => {
    const times = Object.entries(values).map(([name, each]) => [name, rounded(statistic(each), 3)] as const);
    return { live, order, ...Object.fromEntries(times) };
  });
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
  const result = {
    bench: "dataspaces",
    rounds,
    node: process.version,
    v8: process.versions.v8,
    ...dataspaceRows(rounds),
  };
  if (values.json) writeFileSync(values.json, `${JSON.stringify(result, undefined, 2)}\n`);
  return 0;
}

/** Measures and prints all tables. */
export function dataspaceRows(rounds: number) {
  withLive(1000, 20); // compiled before it is measured
  const samples = LIVE.flatMap((count) => withLive(count, rounds));
  const live = rowsOf(samples, median);
  console.log("microseconds an operation, median, by live objects");
  console.table(live);
  const least = rowsOf(samples, minimum);
  console.log("the same, minimum");
  console.table(least);
  const sizes = SIZES.map((bytes) => withSize(bytes, rounds));
  console.log("microseconds an operation, minimum, by size");
  console.table(sizes);
  return { live, least, sizes };
}
