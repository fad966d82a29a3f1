// Parallel checkpoints (spec 1.7): workers copy contents while the supervisor writes records. The result is the same,
// the order and the join are those of the thesis's version 2, and a worker that fails is named.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { Worker } from "node:worker_threads";
import { encodeCheckpoint, type SystemCheckpoint, toCheckpoint } from "../../src/checkpoint/index.ts";
import { Recorder, startProfile, stopProfile } from "../../src/profile/index.ts";
import {
  type CopyPlaces,
  CopyPool,
  PreallocatedProvider,
  RtcrFault,
  SharedMemoryProvider,
  type StartCopyWorker,
  startLog,
} from "../../src/rtcr/index.ts";
import { startNodeCopyPool, startNodeCopyWorker } from "../../src/rtcr/index-node.ts";
import { type CopyTask, close, createTask, isThere, offer, WORD, workAt } from "../../src/rtcr/parallel/copy-task.ts";
import { nodeSha256 } from "../../src/store/index-node.ts";
import { Rig, type RigOptions, undisturbed } from "./rig.ts";
import { takeFirstJob } from "./stuck-worker.ts";

const SHORT = '<config turns="4" iterations="20" period_ms="3" sleep_ms="3"/>';
const FAMILY: RigOptions = {
  children: [
    { name: "sheep_counter_timer", inside: SHORT },
    { name: "large_dataspaces", inside: SHORT },
    { name: "small_dataspaces", inside: SHORT },
    { name: "arbitrary_child", inside: '<config child="stack_counter" iterations="20" turns="4"/>' },
  ],
  programs: ["stack_counter"],
};
const SYSTEMS: Readonly<Record<string, RigOptions>> = {
  ...Object.fromEntries(
    ["large_dataspaces", "sheep_counter_extended", "managed_dataspace", "detached_dataspaces"].map((name) => [
      name,
      { children: [{ name, inside: SHORT }], windows: () => name === "managed_dataspace" },
    ]),
  ),
  "several children, one of which has a child": FAMILY,
};

/** Copies everything that workers can see: the supervisor does not help, however late they are. */
const workers = startNodeCopyPool({ workers: 2, helps: false, patienceMs: 600_000 });
after(() => workers.close());

interface Halfway {
  readonly rig: Rig;
  readonly use: (pool: CopyPool | undefined) => void;
  readonly place: (places: CopyPlaces) => void;
}

/** Children that stand still, and who copies at their next checkpoint. */
async function halfway(options: RigOptions): Promise<Halfway> {
  const { points } = await undisturbed(options);
  let current: CopyPool | undefined;
  let places: CopyPlaces = new Map();
  const own = { provider: new SharedMemoryProvider(), ...options, copyPlaces: () => places };
  const rig = new Rig({ ...own, pool: () => current });
  assert.ok(await rig.run(Math.floor(points * 0.8)));
  return { rig, use: (pool) => (current = pool), place: (asked) => (places = asked) };
}

/** The bytes of an image: manifest and contents. */
function imageOf(system: SystemCheckpoint): unknown {
  const checkpoint = toCheckpoint({ ...system, created: "2026-11-25T00:00:00.000Z" });
  const encoding = encodeCheckpoint(checkpoint, { sha256: nodeSha256 });
  const pages: unknown[] = [];
  for (let next = encoding.next(); ; next = encoding.next()) {
    if (next.done) return { pages, image: next.value };
    pages.push(structuredClone(next.value));
  }
}

/** What was measured, by name, each once in the order of its beginning. */
function scopesOf(work: () => void): string[] {
  const recorder = new Recorder("test");
  startProfile(recorder);
  work();
  stopProfile();
  return [...new Set(recorder.scopes().map(({ name }) => name))];
}

for (const [name, options] of Object.entries(SYSTEMS)) {
  test(`S75: sequential and parallel checkpoints are the same, field by field and as images: ${name}`, async () => {
    const { rig, use } = await halfway(options);
    const sequential = rig.rtcr.checkpoint("x").system;
    use(workers);
    const copied = workers.copied;
    const parallel = rig.rtcr.checkpoint("x").system;
    assert.ok(workers.copied > copied, "by workers");
    assert.deepEqual({ ...parallel, created: "" }, { ...sequential, created: "" });
    assert.deepEqual(imageOf(parallel), imageOf(sequential));
    const before = rig.lines.length;
    await rig.run();
    const { lines } = await undisturbed(options);
    assert.deepEqual(rig.lines, lines, "the children go on");
    rig.close();
    const again = new Rig({ ...options, restore: parallel });
    await again.run();
    assert.deepEqual([...rig.lines.slice(0, before), ...again.lines].toSorted(), lines.toSorted());
    again.close();
  });
}

test("S75: parts begin in the order of the thesis's version 2; contents are joined before the children go on", async () => {
  const { rig, use } = await halfway({ children: [{ name: "large_dataspaces", inside: SHORT }] });
  const parts = ["PD", "RAM", "CPU", "RM", "ROM", "LOG", "Timer"];
  const of = (names: readonly string[]) => names.map((name) => `Checkpoint of ${name}`);
  const order = () => {
    const scopes = scopesOf(() => rig.rtcr.checkpoint("x"));
    const wanted = new Set(["Pause", "Resume", "Information", ...of([...parts, "capabilities"])]);
    return scopes.filter((name) => wanted.has(name));
  };
  assert.deepEqual(order(), ["Pause", ...of([...parts, "capabilities"]), "Resume", "Information"]);
  use(workers);
  assert.deepEqual(order(), ["Pause", ...of(["capabilities", ...parts]), "Resume", "Information"]);
  rig.close();
});

test("S76: what has a place is copied by the worker there, or by the supervisor; the checkpoint is the same", async () => {
  const { rig, use, place } = await halfway({ children: [{ name: "large_dataspaces", inside: SHORT }] });
  const plain = rig.rtcr.checkpoint("x").system.children;
  use(workers);
  const copiedAt = (places: CopyPlaces) => {
    place(places);
    const before = [workers.copiedBy(0), workers.copiedBy(1)];
    assert.deepEqual(rig.rtcr.checkpoint("x").system.children, plain);
    return before.map((count, number) => workers.copiedBy(number) - count);
  };
  const [all] = copiedAt(new Map([["ram", 1]]));
  assert.ok(all! > 1, `${all} jobs`);
  assert.deepEqual(copiedAt(new Map([["ram", 1]])), [all, 0]);
  assert.deepEqual(copiedAt(new Map([["ram", 2]])), [0, all]);
  assert.deepEqual(copiedAt(new Map([["ram", 3]])), [all, 0], "there are two: one counts on from the first");
  assert.deepEqual(copiedAt(new Map([["ram", 0]])), [0, 0], "the supervisor's own place");
  rig.close();
});

test("S76: what a worker has for itself is copied all the same if it is lost, or has not come", async () => {
  const { rig, use, place } = await halfway({ children: [{ name: "large_dataspaces", inside: SHORT }] });
  const plain = rig.rtcr.checkpoint("x").system.children;
  const never: StartCopyWorker = (number) => {
    if (number === 1) throw new Error("no more threads");
    return { post: () => {}, terminate: async () => {} };
  };
  const pool = new CopyPool({ start: never, workers: 2 });
  use(pool);
  for (const worker of [1, 2]) {
    place(new Map([["ram", worker]]));
    assert.deepEqual(rig.rtcr.checkpoint("x").system.children, plain);
  }
  assert.equal(pool.copied, 0);
  rig.close();
});

test("S76: what a worker has for itself is copied all the same if it comes, takes nothing, and is heard of no more", async () => {
  const { rig, use, place } = await halfway({ children: [{ name: "large_dataspaces", inside: SHORT }] });
  const plain = rig.rtcr.checkpoint("x").system.children;
  const comes: StartCopyWorker = () => ({
    post: ({ words }) => void Atomics.store(words, WORD.holders + 1, 1),
    terminate: async () => {},
  });
  for (const helps of [true, false]) {
    use(new CopyPool({ start: comes, workers: 1, helps, patienceMs: 1 }));
    place(new Map([["ram", 1]]));
    assert.deepEqual(rig.rtcr.checkpoint("x").system.children, plain);
  }
  rig.close();
});

test("S76: a worker that has gone home is not there: nobody waits for it", () => {
  const target = new Uint8Array(new SharedArrayBuffer(8));
  const task = createTask([target], [new SharedArrayBuffer(8)], { jobs: 1, workers: 1, lanes: 2 });
  assert.ok(offer(task, 1, [0, 0, 0, 0, 8]));
  close(task);
  workAt(task, 0);
  assert.ok(!isThere(task, 0));
});

test("S75: workers that are lost are named, and checkpoints are made without them", async () => {
  const messages: string[] = [];
  const stopLog = startLog({ level: "WARNING", sink: (line) => messages.push(line) });
  const { rig, use } = await halfway({ children: [{ name: "large_dataspaces", inside: SHORT }] });
  const plain = rig.rtcr.checkpoint("x").system.children;
  let ended: () => void = () => {};
  const gone = new Promise<void>((resolve) => (ended = resolve));
  const start: StartCopyWorker = (number, lost) => {
    if (number === 0) throw new Error("no more threads");
    const worker = new Worker("process.exit(3)", { eval: true });
    worker.once("exit", (code) => {
      lost(`it has ended with ${code}`);
      ended();
    });
    return { post: (task) => worker.postMessage(task), terminate: async () => void (await worker.terminate()) };
  };
  const pool = new CopyPool({ start, workers: 2 });
  use(pool);
  assert.deepEqual(rig.rtcr.checkpoint("x").system.children, plain, "whether the worker was there still or not");
  await gone;
  assert.deepEqual(rig.rtcr.checkpoint("x").system.children, plain);
  stopLog();
  const lost = [...pool.lost];
  assert.deepEqual(lost, [
    [0, "no more threads"],
    [1, "it has ended with 3"],
  ]);
  for (const [number, why] of lost)
    assert.ok(messages.some((line) => line.includes(`copy worker ${number} is lost: ${why}`)));
  rig.close();
});

test("S75: a worker that takes a job and does not finish it: the checkpoint fails by name, its arena is kept until it is ended", async () => {
  const provider = new PreallocatedProvider({ arenas: 1, arenaBytes: 2 << 20 });
  const options = { children: [{ name: "large_dataspaces", inside: SHORT }], provider };
  const { rig, use } = await halfway(options);
  let end: () => void = () => {};
  const ended = new Promise<void>((resolve) => (end = resolve));
  // It takes the first job as soon as there is one, and is never heard of again.
  const start: StartCopyWorker = () => ({ post: takeFirstJob, terminate: () => ended });
  const pool = new CopyPool({ start, workers: 1, patienceMs: 20 });
  use(pool);
  assert.throws(
    () => rig.rtcr.checkpoint("x"),
    (thrown) =>
      thrown instanceof RtcrFault &&
      thrown.code === "copy-failed" &&
      /^parallel checkpoint: copy worker 0 has not finished 1 of \d+ jobs in 20 ms$/.test(thrown.message),
  );
  assert.deepEqual([...pool.lost.keys()], [0]);
  assert.equal(provider.free, 0, "it may write still");
  assert.throws(() => rig.rtcr.checkpoint("x"), { code: "no-room" });
  end();
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(provider.free, 1);
  const { system } = rig.rtcr.checkpoint("x"); // nobody is left in the pool: the supervisor copies
  assert.equal(system.children.length, 1);
  await rig.run();
  assert.deepEqual(rig.lines, (await undisturbed(options)).lines, "the child runs on");
  rig.close();
});

test("S75: a job that a worker cannot copy fails the checkpoint by name; the next one is made", async () => {
  const { rig, use } = await halfway({ children: [{ name: "large_dataspaces", inside: SHORT }] });
  let broken = true;
  const start: StartCopyWorker = (number, lost) => {
    const worker = startNodeCopyWorker(number, lost);
    const cut = (task: CopyTask) => ({ ...task, sources: task.sources.map(() => new SharedArrayBuffer(8)) });
    return { ...worker, post: (task) => worker.post(broken ? cut(task) : task) };
  };
  const pool = new CopyPool({ start, workers: 1, helps: false, patienceMs: 600_000 });
  use(pool);
  assert.throws(() => rig.rtcr.checkpoint("x"), {
    code: "copy-failed",
    message: /^parallel checkpoint: job \d+ of \d+ could not be copied by a worker$/,
  });
  broken = false;
  const parallel = rig.rtcr.checkpoint("x").system.children;
  use(undefined);
  assert.deepEqual(parallel, rig.rtcr.checkpoint("x").system.children);
  pool.close();
  rig.close();
});
