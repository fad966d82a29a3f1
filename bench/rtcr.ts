// What does RTCR cost a child while it is watched, and what do checkpoint and restore cost by number and size?
//
//   npm run bench -- rtcr [--json FILE] [--rounds N] [--tables calls,objects,number,size,parallel]
//
// calls:   operations of PD sessions and region maps, core's alone and through RTCR, taking turns: nanoseconds, and the
//          median of ratios in the same round
//          The same of File_system and Terminal sessions, which programs call by WASI: files and input in memory
// objects: through RTCR and core alone, while so many dataspaces are alive and attached: a thousand neighbours, which the
//          machine's caches expect, or a thousand at equal distances, which are in none
// parallel: pause of a child with one dataspace of so many MiB, copied by the supervisor alone, and by it and workers, in turns
// number, size: checkpoint (and the pause in it) and restore of a child with so many dataspaces, or one of so many MiB;
//          by A (bootstrap) and B (direct), in turns; milliseconds, medians. Nothing is stored: that is bench store

import { writeFileSync } from "node:fs";
import { loadavg } from "node:os";
import { parseArgs } from "node:util";
import { buildComponents, componentNamed } from "../scripts/build-guests.ts";
import { type CorePd, createCoreContext, createPd, createRootPd } from "../src/core/index.ts";
import { ChildContext, RtcrPd, STRATEGIES } from "../src/rtcr/index.ts";
import { startNodeCopyPool } from "../src/rtcr/index-node.ts";
import { type Capability, type Dataspace, DONATION, type PdSession, type RegionMap } from "../src/session/index.ts";
import { gotten, required } from "./attempts.ts";
import { type Durations, durationsOf } from "./evaluation/figures.ts";
import { runBenchmark } from "./evaluation/run-benchmark.ts";
import { interleave, median, medianRatio, rounded, timed } from "./measure.ts";
import { streamOperations } from "./rtcr-streams.ts";

const BATCH = 2000;
const LIVE = [10, 100, 1000, 10_000, 100_000];
const NUMBERS = [10, 100, 1000, 10_000];
const SIZES_MIB = [1, 4, 16, 64];
const PARALLEL_MIB = [1, 16, 64, 256];
const MIB = 1 << 20;
const PAGES_PER_MIB = 256;

interface Watched {
  readonly pd: PdSession;
  readonly map: RegionMap;
  readonly rtcr?: RtcrPd;
}

/** A PD with a bound address space, alone or behind RTCR. */
function makePd(watched: boolean): Watched {
  const core = createCoreContext();
  const root = createRootPd(core, { label: "core", donation: { ram: 2 ** 41, caps: 20_000_000 } });
  const pd: CorePd = gotten(createPd(core, { label: "child", donation: DONATION.PD }));
  gotten(pd.refAccount(root.capability));
  gotten(root.transferRamQuota(pd.capability, 2 ** 40));
  gotten(root.transferCapQuota(pd.capability, 10_000_000));
  if (!watched) return { pd, map: required(pd.addressSpace().object) };
  const rtcr = new RtcrPd(new ChildContext(core.badges), { id: 1, args: "", real: pd.capability });
  return { pd: rtcr, map: required(rtcr.addressSpace().object), rtcr };
}

/** Every operation prepares what it needs outside of the measured time. */
type Operation = (system: Watched) => number;

function allocated({ pd }: Watched, count = BATCH): Capability<Dataspace>[] {
  return Array.from({ length: count }, () => gotten(pd.alloc(4096)));
}

const OPERATIONS: Readonly<Record<string, Operation>> = {
  alloc: ({ pd }) => {
    const made: Capability<Dataspace>[] = [];
    const ms = timed(() => {
      for (let i = 0; i < BATCH; i++) made.push(gotten(pd.alloc(4096)));
    });
    for (const dataspace of made) pd.free(dataspace);
    return ms;
  },
  free: (system) => {
    const made = allocated(system);
    return timed(() => {
      for (const dataspace of made) system.pd.free(dataspace);
    });
  },
  "attach, placed by the map": (system) => {
    const made = allocated(system);
    const ms = timed(() => {
      for (const dataspace of made) gotten(system.map.attach(dataspace));
    });
    for (const dataspace of made) system.pd.free(dataspace);
    return ms;
  },
  detach: (system) => {
    const made = allocated(system);
    const places = made.map((dataspace) => gotten(system.map.attach(dataspace)));
    const ms = timed(() => {
      for (const at of places) system.map.detach(at);
    });
    for (const dataspace of made) system.pd.free(dataspace);
    return ms;
  },
  "signal source, made and freed": ({ pd }) =>
    timed(() => {
      for (let i = 0; i < BATCH; i++) pd.freeSignalSource(gotten(pd.allocSignalSource()));
    }),
  "signal context, made and freed": ({ pd }) => {
    const source = gotten(pd.allocSignalSource());
    const ms = timed(() => {
      for (let i = 0; i < BATCH; i++) pd.freeContext(gotten(pd.allocContext(source, i)));
    });
    pd.freeSignalSource(source);
    return ms;
  },
  "quota asked": ({ pd }) =>
    timed(() => {
      for (let i = 0; i < BATCH; i++) pd.capQuota();
    }),
};

function callRows(rounds: number): object[] {
  // What the engine compiles of an operation is for all kinds of objects, as in a system that uses them all.
  for (const watched of [false, true]) {
    const system = makePd(watched);
    for (let i = 0; i < 10; i++) for (const operation of Object.values(OPERATIONS)) operation(system);
  }
  const ofPd = Object.entries(OPERATIONS).map(([name, operation]) => {
    const [bare, behind] = [makePd(false), makePd(true)];
    return compared(
      name,
      () => operation(bare),
      () => operation(behind),
      rounds,
    );
  });
  const ofStreams = Object.entries(streamOperations()).map(([name, make]) =>
    compared(name, make(false), make(true), rounds),
  );
  return [...ofPd, ...ofStreams];
}

function compared(name: string, core: () => number, rtcr: () => number, rounds: number): object {
  const variants = [
    { name: "core", run: core },
    { name: "rtcr", run: rtcr },
    { name: "core again", run: core },
  ];
  interleave(variants, 10); // compiled before it is measured
  const samples = interleave(variants, rounds);
  const [bare = [], behind = [], again = []] = [...samples.values()];
  const ns = (times: readonly number[]) => rounded((median(times) * 1e6) / BATCH, 0);
  return {
    name,
    ...{ "core ns": ns(bare), "rtcr ns": ns(behind) },
    ratio: rounded(medianRatio(behind, bare)),
    "core again (noise)": rounded(medianRatio(again, bare)),
  };
}

const ORDERS = ["in order", "apart"] as const;
type Order = (typeof ORDERS)[number];

/** Numbers of objects: neighbours, or some at equal distances. */
function choose(order: Order, live: number): readonly number[] {
  const batch = Math.min(live, 1000);
  const first = order === "in order" ? Math.floor(Math.random() * (live - batch + 1)) : 0;
  const step = order === "in order" ? 1 : Math.floor(live / batch);
  return Array.from({ length: batch }, (_, i) => first + i * step);
}

/** Nanoseconds of each operation, alone or through RTCR, while `live` dataspaces are alive and attached. */
function objectSamples(watched: boolean, live: number, order: Order, rounds: number): Record<string, number> {
  const { pd, map, rtcr } = makePd(watched);
  const make = () => {
    const dataspace = gotten(pd.alloc(4096));
    return { dataspace, at: gotten(map.attach(dataspace)) };
  };
  const objects = Array.from({ length: live }, make);
  const samples: Record<string, number[]> = {};
  const sample = (name: string, chosen: readonly number[], work: (object: (typeof objects)[number]) => void) => {
    const ms = timed(() => {
      for (const i of chosen) work(objects[i]!);
    });
    (samples[name] ??= []).push((ms * 1e6) / chosen.length);
  };
  for (let round = 0; round < rounds; round++) {
    const chosen = choose(order, live);
    if (rtcr) sample("look-up", chosen, ({ dataspace }) => required(rtcr.dataspaces.get(dataspace)));
    sample("detach", chosen, ({ at }) => map.detach(at));
    sample("free", chosen, ({ dataspace }) => pd.free(dataspace));
    sample("alloc", chosen, (object) => (object.dataspace = gotten(pd.alloc(4096))));
    sample("attach", chosen, (object) => (object.at = gotten(map.attach(object.dataspace))));
  }
  return Object.fromEntries(Object.entries(samples).map(([name, values]) => [name, rounded(median(values), 0)]));
}

/** As `objectSamples`, in brackets what core alone takes. */
function objectRow(live: number, order: Order): object {
  const rounds = Math.max(20, Math.ceil(5000 / live));
  const core = objectSamples(false, live, order, rounds);
  const rtcr = objectSamples(true, live, order, rounds);
  const cells = Object.entries(rtcr).map(([name, ns]) => [name, name in core ? `${ns} (${core[name]})` : `${ns}`]);
  return { live, order, ...Object.fromEntries(cells) };
}

/** Checkpoint and restore of a child with so many dataspaces of so many pages, by both strategies in turns. */
async function restoreRow(dataspaces: number, pages: number, rounds: number): Promise<Record<string, number>> {
  const durations: Record<string, Durations[]> = { bootstrap: [], direct: [] };
  const arenaBytes = dataspaces * pages * 4096 + 2 * MIB;
  const setup = { child: "many_dataspaces", iterations: 1, config: { dataspaces, pages }, arenaBytes };
  for (let round = 0; round < rounds; round++) {
    for (const strategy of STRATEGIES) {
      const runs = await runBenchmark({ ...setup, strategy, repetitions: 3, warmUp: round === 0 ? 3 : 1 });
      durations[strategy]?.push(...runs.map(durationsOf));
    }
  }
  const ms = (strategy: string, figure: keyof Durations) =>
    rounded(median(required(durations[strategy]).map((one) => one[figure])) / 1000, 2);
  return {
    ...{ checkpoint: ms("direct", "checkpoint"), paused: ms("direct", "paused") },
    ...{ "A: restore": ms("bootstrap", "threadRestore"), "A: with bootstrap": ms("bootstrap", "totalRestore") },
    ...{ "B: restore": ms("direct", "totalRestore"), "copies in B": ms("direct", "memcpy") },
  };
}

/** Milliseconds of pauses of a child with one dataspace, without and with copy workers in turns. */
async function parallelRow(MiB: number, rounds: number): Promise<Record<string, number>> {
  const pool = startNodeCopyPool();
  const paused: Record<"alone" | "workers", number[]> = { alone: [], workers: [] };
  const setup = { child: "many_dataspaces", iterations: 1, strategy: "direct", repetitions: 4 } as const;
  const config = { dataspaces: 1, pages: MiB * PAGES_PER_MIB };
  for (let round = 0; round < rounds; round++) {
    for (const [name, more] of [
      ["alone", {}],
      ["workers", { pool }],
    ] as const) {
      const runs = await runBenchmark({ ...setup, ...more, config, arenaBytes: (MiB + 2) * MIB, warmUp: 1 });
      paused[name].push(...runs.map((one) => durationsOf(one).paused / 1000));
    }
  }
  pool.close();
  const { alone, workers } = paused;
  return {
    ...{ alone: rounded(median(alone), 2), "alone, least": rounded(Math.min(...alone), 2) },
    ...{ "with workers": rounded(median(workers), 2), "with workers, least": rounded(Math.min(...workers), 2) },
    ...{ workers: pool.size, "jobs by workers": pool.copied },
  };
}

const TABLES: Readonly<Record<string, (rounds: number) => object[] | Promise<object[]>>> = {
  calls: callRows,
  objects: () => {
    for (const order of ORDERS) objectRow(1000, order); // compiled before it is measured
    return ORDERS.flatMap((order) => LIVE.map((live) => objectRow(live, order)));
  },
  number: () => rowsOf(NUMBERS, async (dataspaces) => ({ dataspaces, ...(await restoreRow(dataspaces, 1, 3)) })),
  size: () => rowsOf(SIZES_MIB, async (MiB) => ({ MiB, ...(await restoreRow(1, MiB * PAGES_PER_MIB, 3)) })),
  parallel: () => rowsOf(PARALLEL_MIB, async (MiB) => ({ MiB, ...(await parallelRow(MiB, 5)) })),
};

const TITLES: Readonly<Record<string, string>> = {
  calls: "session calls, nanoseconds (medians)",
  objects: "through RTCR (core alone) while so many dataspaces live, nanoseconds",
  number: "by number of dataspaces of a page, milliseconds",
  size: "by size of one dataspace, milliseconds",
  parallel: "pause by size of one dataspace, without and with copy workers, milliseconds",
};

async function rowsOf(values: readonly number[], row: (value: number) => Promise<object>): Promise<object[]> {
  const rows: object[] = [];
  for (const value of values) rows.push(await row(value));
  return rows;
}

export async function run(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      json: { type: "string" },
      rounds: { type: "string", default: "60" },
      tables: { type: "string", default: Object.keys(TABLES).join(",") },
    },
  });
  const rounds = Number(values.rounds);
  await buildComponents([componentNamed("many_dataspaces")]);
  const tables: Record<string, object[]> = {};
  for (const name of values.tables.split(",")) {
    const rows = (tables[name] = await required(TABLES[name])(rounds));
    console.log(TITLES[name]);
    console.table(rows);
  }
  const { version: node } = process;
  const result = { bench: "rtcr", rounds, node, v8: process.versions.v8, load: loadavg(), ...tables };
  if (values.json) writeFileSync(values.json, `${JSON.stringify(result, undefined, 2)}\n`);
  return 0;
}
