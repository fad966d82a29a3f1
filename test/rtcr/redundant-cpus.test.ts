// Redundant memory on several CPUs (S109): of components on further CPUs, of threads that write the same granules and words at
// the same time, and of components that move: each checkpoint is the same as a full one of the moment, and stays it.
import assert from "node:assert/strict";
import { test } from "node:test";
import { GranuleBytes, type SystemCheckpoint } from "../../src/checkpoint/index.ts";
import type { Component } from "../../src/core/kernel/index.ts";
import { type Captured, RedundantContents, UntouchedProvider } from "../../src/rtcr/index.ts";
import { MIRROR_SLOTS } from "../../src/session/index.ts";
import { assemble } from "../assemble.ts";
import { seededRandom } from "../random.ts";
import { SHORT, same } from "./increments.ts";
import { Rig, type RigOptions, undisturbed } from "./rig.ts";

const SLOTS = MIRROR_SLOTS.least;

/** Whether all memory of all children comes from snapshots. */
function redundant({ children }: SystemCheckpoint): boolean {
  return children.every(({ pd }) => pd.data instanceof GranuleBytes);
}

/** Checkpoints that live, and what they must be. */
class Living {
  readonly #all: { readonly captured: Captured; readonly full: SystemCheckpoint; readonly what: string }[] = [];
  taken = 0;

  /** @param take gives a checkpoint of this moment */
  add(take: (full: boolean) => Captured, what: string): void {
    const { system: full } = take(true);
    const captured = take(false);
    assert.ok(redundant(captured.system), `${what}: from redundant memory`);
    this.taken++;
    this.#all.push({ captured, full, what });
  }

  /** Drops all but `most`, the oldest first. */
  check(most: number): void {
    for (const { captured, full, what } of this.#all) same(captured.system, full, what);
    while (this.#all.length > most) this.#all.shift()!.captured.lease.release();
  }
}

const FAMILY: RigOptions = {
  children: ["large_dataspaces", "sheep_counter_extended", "small_dataspaces"].map((name) => ({ name, inside: SHORT })),
};

for (const cpus of [2, 3]) {
  test(`S76, S109: children on ${cpus} CPUs`, async () => {
    const options = { ...FAMILY, cpus };
    const { points, lines } = await undisturbed(options);
    const contents = new RedundantContents(new UntouchedProvider());
    const rig = new Rig({ ...options, keeper: () => contents, mirrorSlots: () => SLOTS });
    const living = new Living();
    for (let i = 1; i <= 8; i++) {
      if (!(await rig.run(Math.floor((points * i) / 9)))) break;
      const on = rig.tree.core.kernel.components.filter(({ loaded, cpu }) => loaded && cpu > 0);
      assert.ok(on.every(({ mirror }) => mirror !== undefined));
      living.add((full) => rig.rtcr.checkpoint("x", undefined, undefined, { full }), `${i}`);
      if (i % 2 === 0) living.check(3);
    }
    assert.ok(living.taken > 2);
    await rig.run();
    living.check(0);
    assert.deepEqual(rig.lines.toSorted(), lines.toSorted());
    rig.close();
  });
}

/** Of the memory, in the beginning. */
const PAGES = 8;
/** Bytes from 64 KiB on that threads write. */
const FIELD_BYTES = 128 << 10;
/** The first byte of a thread's own 64 KiB. */
const OWN = 4 << 16;

/**
 * Two threads and the first one write for ever, by stores, bulk and atomic operations and host calls: each to its own memory, and
 * all to the same one, most often near the borders of granules, and to the end of a memory that grows. At 1024 they count.
 */
const WRITING = assemble(`(module
  (import "env" "memory" (memory ${PAGES} 128 shared))
  (import "wasi" "thread-spawn" (func $spawn (param i32) (result i32)))
  (import "wasi_snapshot_preview1" "clock_time_get" (func $clock (param i32 i64 i32) (result i32)))
  (func $write (param $number i32) (local $r i32) (local $at i32) (local $kind i32)
    (local.set $r (i32.mul (i32.add (local.get $number) (i32.const 1)) (i32.const 0x9e3779b9)))
    (loop $again
      (local.set $r (i32.xor (local.get $r) (i32.shl (local.get $r) (i32.const 13))))
      (local.set $r (i32.xor (local.get $r) (i32.shr_u (local.get $r) (i32.const 17))))
      (local.set $r (i32.xor (local.get $r) (i32.shl (local.get $r) (i32.const 5))))
      (local.set $at (i32.add (i32.const 65536) (i32.and (local.get $r) (i32.const ${FIELD_BYTES - 4096}))))
      (local.set $at (i32.add (local.get $at) (i32.sub (i32.and (i32.shr_u (local.get $r) (i32.const 3)) (i32.const 31)) (i32.const 16))))
      (local.set $kind (i32.and (i32.shr_u (local.get $r) (i32.const 24)) (i32.const 63)))
      (i32.store (i32.add (i32.const ${OWN}) (i32.add (i32.shl (local.get $number) (i32.const 16)) (i32.and (local.get $r) (i32.const 0xffff))))
        (local.get $r))
      (if (i32.lt_u (local.get $kind) (i32.const 24)) (then
        (i32.store (local.get $at) (local.get $r)) (i64.store offset=40 (local.get $at) (i64.extend_i32_u (local.get $r)))))
      (if (i32.and (local.get $kind) (i32.const 1)) (then
        (drop (i32.atomic.rmw.add (i32.and (local.get $at) (i32.const -4)) (local.get $r)))))
      (if (i32.eq (local.get $kind) (i32.const 30)) (then
        (memory.fill (local.get $at) (local.get $r) (i32.and (local.get $r) (i32.const 511)))))
      (if (i32.eq (local.get $kind) (i32.const 32)) (then
        (memory.copy (local.get $at) (i32.const 70000) (i32.const 300))))
      (if (i32.and (i32.eq (local.get $kind) (i32.const 36)) (i32.eqz (i32.and (i32.shr_u (local.get $r) (i32.const 16)) (i32.const 3)))) (then
        (drop (memory.grow (i32.const 1)))))
      (i32.store (i32.sub (i32.shl (memory.size) (i32.const 16)) (i32.or (i32.and (local.get $r) (i32.const 0x1fff)) (i32.const 4)))
        (local.get $r))
      (if (i32.eq (local.get $kind) (i32.const 34)) (then (drop (call $clock (i32.const 1) (i64.const 1) (local.get $at)))))
      (drop (i32.atomic.rmw.add (i32.add (i32.const 1024) (i32.shl (local.get $number) (i32.const 2))) (i32.const 1)))
      (br $again)))
  (func (export "wasi_thread_start") (param i32 i32) (call $write (local.get 1)))
  (func (export "_start") (drop (call $spawn (i32.const 1))) (drop (call $spawn (i32.const 2))) (call $write (i32.const 0))))`);

/** The threads, stopped at safe points of whichever CPUs they are on, one after the other. */
class Writing {
  readonly living = new Living();
  readonly rig: Rig;
  #point = 0;

  constructor(cpus: number) {
    const contents = new RedundantContents(new UntouchedProvider());
    this.rig = new Rig({
      children: [{ name: "w", inside: `<affinity xpos="0" width="${cpus}"/>` }],
      binaries: { w: WRITING },
      ...{ cpus, slice: 20, keeper: () => contents, mirrorSlots: () => SLOTS },
    });
  }

  get component(): Component {
    return this.rig.tree.core.kernel.components.find(({ label }) => label.endsWith("-> w"))!;
  }

  /** Until each of the threads has gone on. */
  async goOn(): Promise<void> {
    const counts = () => [0, 1, 2].map((number) => this.component.view.getInt32(1024 + 4 * number, true));
    do {
      assert.ok(await this.rig.run((this.#point += 200)));
    } while (!this.component?.loaded);
    for (const before = counts(); counts().some((count, number) => count === before[number]); ) {
      assert.ok(await this.rig.run((this.#point += 200)));
    }
  }

  get pages(): number {
    return this.component.view.byteLength >> 16;
  }

  take(what: string): void {
    this.living.add((full) => this.rig.rtcr.checkpoint("x", undefined, undefined, { full }), what);
  }
}

for (const cpus of [1, 2, 3]) {
  test(`S24, S76, S109: threads on ${cpus} CPUs that write the same words`, async () => {
    const writing = new Writing(cpus);
    for (let i = 0; i < 10; i++) {
      await writing.goOn();
      writing.take(`${i}`);
      if (i % 3 !== 0) writing.living.check(2);
    }
    assert.equal(new Set(writing.component.threads.map(({ cpu }) => cpu)).size, cpus);
    while (writing.pages === PAGES) await writing.goOn();
    writing.take("grown");
    writing.living.check(0);
    writing.rig.close();
  });
}

test("S28, S76, S109: a component that goes from CPU to CPU, with its threads", async () => {
  const writing = new Writing(3);
  const random = seededRandom(28);
  const homes = new Set<number>();
  await writing.goOn();
  for (let i = 0; i < 9; i++) {
    const { component } = writing;
    component.atRest(() => assert.equal(component.place((i + 1) % 3), undefined));
    homes.add(component.cpu);
    writing.take(`${i}, moved`);
    await writing.goOn();
    writing.take(`${i}`);
    if (random.below(2) === 0) writing.living.check(3);
  }
  assert.deepEqual([...homes].sort(), [0, 1, 2]);
  writing.living.check(0);
  writing.rig.close();
});
