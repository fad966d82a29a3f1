// What happens in the pause of a checkpoint, by the engine's own counters (thesis 7.1): bytes go into an arena that is
// there, and nothing else is made.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { SavedThread } from "../../src/abi/index.ts";
import {
  OnDemandProvider,
  PreallocatedProvider,
  RedundantModule,
  RtcrFault,
  SharedMemoryProvider,
} from "../../src/rtcr/index.ts";
import { startNodeCopyPool } from "../../src/rtcr/index-node.ts";
import { measurePauses } from "./pause.ts";
import { Rig, type RigOptions, undisturbed } from "./rig.ts";

type More = Pick<RigOptions, "provider" | "pool" | "cpus" | "keeper" | "mirrorSlots">;

/** A child on the last CPU that there is, stopped in its turns. */
async function stopped(name: string, config: string, more: More): Promise<Rig> {
  const inside = `<affinity xpos="${(more.cpus ?? 1) - 1}"/><config ${config} turns="8" iterations="50"/>`;
  const options: RigOptions = { children: [{ name, inside }], ...more, quota: `caps="4000" ram="64M"` };
  const { points } = await undisturbed(options);
  const rig = new Rig(options);
  assert.ok(await rig.run(Math.floor(points * 0.8)));
  return rig;
}

/** A child with few of something, and one with many. */
interface Growing {
  readonly what: string;
  readonly program: string;
  readonly configs: readonly [few: string, many: string];
  /** How many threads and frames are in a checkpoint of each, at least. */
  readonly threads?: readonly [few: number, many: number];
  readonly frames?: readonly [few: number, many: number];
}

const threads = (count: number, depth: number) => `threads="${count}" depth="${depth}"`;
const GROWING: readonly Growing[] = [
  {
    what: "dataspaces",
    program: "many_dataspaces",
    configs: ['dataspaces="20" pages="1"', 'dataspaces="2000" pages="1"'],
  },
  {
    ...{ what: "threads", program: "many_threads", configs: [threads(4, 10), threads(200, 10)] },
    ...{ threads: [4, 200], frames: [40, 2000] },
  },
  {
    ...{ what: "frames", program: "many_threads", configs: [threads(4, 10), threads(4, 2000)] },
    ...{ threads: [4, 4], frames: [40, 6000] },
  },
];
const WAYS = ["alone", "in parallel", "on another CPU"] as const;

for (const way of WAYS) {
  for (const growing of GROWING) {
    const said = `no backing store is made, nothing is collected, ${growing.what} allocate nothing`;
    test(`S75, S78: in the pause (${way}) ${said}`, () => measure(growing, way));
  }
}

test("S78, S109: nor with redundant memory: dataspaces allocate nothing", async () => {
  const module = new RedundantModule({ provider: new PreallocatedProvider({ arenas: 1, arenaBytes: 16 << 20 }) });
  await measureWith({ keeper: () => module.keeper(), mirrorSlots: () => module.mirrorSlots() }, GROWING[0]!);
});

async function measure(growing: Growing, way: (typeof WAYS)[number]): Promise<void> {
  const pool = way === "in parallel" ? startNodeCopyPool({ workers: 1 }) : undefined;
  try {
    await measureWith({ pool: () => pool, cpus: way === "on another CPU" ? 2 : 1 }, growing);
  } finally {
    pool?.close();
  }
}

function measureWith(how: More, { program, configs, ...least }: Growing): Promise<void> {
  const provider = new PreallocatedProvider({ arenas: 1, arenaBytes: 16 << 20 });
  return measurePauses(async (stage) => {
    const i = stage === "few" ? 0 : 1;
    const rig = await stopped(program, configs[i]!, { ...how, provider });
    const { threads, frames } = contentOf(rig);
    assert.ok(threads >= (least.threads?.[i] ?? 0) && frames >= (least.frames?.[i] ?? 0), `${threads}, ${frames}`);
    return rig;
  });
}

/** How many threads a checkpoint of the rig's child has, and how many frames they have. */
function contentOf(rig: Rig): { readonly threads: number; readonly frames: number } {
  const { system, lease } = rig.rtcr.checkpoint("content");
  const states = system.children[0]!.cpu.threads.map(({ state }) => state as unknown as SavedState);
  const frames = states.flatMap(({ activations }) => activations.map(({ thread }) => thread.frames.length));
  lease.release();
  return { threads: states.length, frames: frames.reduce((sum, count) => sum + count, 0) };
}

interface SavedState {
  readonly activations: readonly { readonly thread: SavedThread }[];
}

test("S78: an arena that is too small: said by name with the bytes needed, the child goes on, and it can be grown", async () => {
  const provider = new PreallocatedProvider({ arenas: 1, arenaBytes: 64 << 10 });
  const inside = '<config turns="4" iterations="20"/>';
  const options: RigOptions = { children: [{ name: "large_dataspaces", inside }], provider };
  const { points, lines } = await undisturbed(options);
  const rig = new Rig(options);
  assert.ok(await rig.run(points - 30));
  const before = rig.lines.length;
  const needed: number[] = [];
  for (let attempt = 0; attempt < 3 && needed.length === attempt; attempt++) {
    try {
      rig.rtcr.checkpoint("x").lease.release();
    } catch (thrown) {
      assert.ok(thrown instanceof RtcrFault && thrown.code === "no-room");
      const bytes = Number(thrown.detail["bytes"]);
      needed.push(bytes);
      assert.equal(provider.free, 1, "the arena is given back");
      provider.grow(bytes);
    }
  }
  // Contents alone do not fit at first; then the records behind them do not; then everything does.
  assert.equal(needed.length, 2);
  assert.ok(needed[0]! > 64 << 10 && needed[1]! > needed[0]!);
  const { system } = rig.rtcr.checkpoint("y");
  await rig.run();
  assert.deepEqual(rig.lines, lines, "the child runs on");
  rig.close();
  const again = new Rig({ ...options, restore: system });
  await again.run();
  assert.deepEqual(again.lines, lines.slice(before));
  again.close();
});

test("S74, S78: whatever the provider, the checkpoint is the same", async () => {
  const options: RigOptions = { children: [{ name: "sheep_counter", inside: '<config turns="4" iterations="20"/>' }] };
  const { points } = await undisturbed(options);
  const providers = [
    new OnDemandProvider(),
    new SharedMemoryProvider(),
    new PreallocatedProvider({ arenas: 1, arenaBytes: 4 << 20 }),
    { lease: (leastBytes: number) => new OnDemandProvider().lease(leastBytes) }, // never more than it must
  ];
  const made = [];
  for (const provider of providers) {
    const rig = new Rig({ ...options, provider });
    assert.ok(await rig.run(Math.floor(points / 2)));
    made.push(rig.rtcr.checkpoint("x").system.children);
    rig.close();
  }
  for (const children of made) assert.deepEqual(children, made[0]);
});
