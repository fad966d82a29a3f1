// Increments by the share that was written (S108): whether what was written is copied granule by granule or everything side by
// side, checkpoints are full ones byte for byte, have of their own what has changed, and give everything back.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { SystemCheckpoint } from "../../src/checkpoint/index.ts";
import { type Captured, type DataProvider, RtcrPd, SharedMemoryProvider } from "../../src/rtcr/index.ts";
import { seededRandom } from "../random.ts";
import { Incremental, same } from "./increments.ts";
import { type RigOptions, undisturbed } from "./rig.ts";

const PAGE_BYTES = 4096;
const PAGES = 1024;
const CHILD = "many_dataspaces";
const OPTIONS = {
  children: [{ name: CHILD, inside: `<config dataspaces="1" pages="${PAGES}" turns="8" iterations="50"/>` }],
  quota: 'caps="500" ram="32M"',
};
const { points } = await undisturbed(OPTIONS);

/** A child that stands, whose dataspace is written by page. */
async function standing({
  marks = true,
  provider,
  atPhase,
}: {
  readonly marks?: boolean;
  readonly provider?: DataProvider;
  readonly atPhase?: RigOptions["atPhase"];
} = {}) {
  const subject = new Incremental({ ...OPTIONS, ...(atPhase && { atPhase }) }, provider ? { provider } : {}, marks);
  assert.ok(await subject.rig.run(Math.floor(points * 0.8)));
  const [pd] = subject.rig.rtcr.child(CHILD)!.of(RtcrPd);
  const all = Array.from(pd!.dataspaces, ({ capability }) => capability.object!);
  const dataspace = all.find((each) => each.size() === PAGES * PAGE_BYTES)!;
  let time = 0;
  const write = (pages: Iterable<number>, bytes?: Uint8Array) => {
    time++;
    for (const page of pages) dataspace.write(page * PAGE_BYTES, bytes ?? Uint8Array.of(time, time >> 8, 7));
  };
  return { subject, write };
}

const every = (step: number) => Array.from({ length: Math.ceil(PAGES / step) }, (_, i) => i * step);

for (const marks of [true, false]) {
  const said = marks ? "a marked" : "an unmarked";
  test(`S108: any share of ${said} program's pages, one after the other, while others are dropped`, async () => {
    const { subject, write } = await standing({ marks });
    const random = seededRandom(108);
    let living: { readonly captured: Captured; readonly full: SystemCheckpoint }[] = [];
    const zeros = new Uint8Array(PAGE_BYTES);
    for (const share of [100, 30, 0, 2, 60, 60, 25, 25, 25, 100, 100, 5, 90, 30, 1]) {
      const pages = every(1).filter(() => random.below(100) < share);
      write(pages);
      write(
        pages.filter(() => random.below(8) === 0),
        zeros,
      );
      const full = subject.full();
      living.push({ captured: subject.increment(), full });
      if (living.length > 4) living = drop(living, random.below(living.length));
      for (const { captured, full } of living) same(captured.system, full, `after ${share} %`);
    }
    while (living.length > 0) living = drop(living, 0);
    subject.contents.dispose();
    assert.equal(subject.contents.usedBytes, 0);
    subject.rig.close();
  });
}

function drop<T extends { readonly captured: Captured }>(living: readonly T[], at: number): T[] {
  living[at]!.captured.lease.release();
  return living.toSpliced(at, 1);
}

for (const marks of [true, false]) {
  test(`S108: a checkpoint has of its own what has changed, ${marks ? "marked" : "and of a program without marks"}`, async () => {
    const { subject, write } = await standing({ marks });
    write(every(1));
    subject.checked("all");
    subject.checked("nothing");
    for (const [pages, what] of [
      [every(100), "few"],
      [every(4), "scattered"],
      [every(4), "the same again"],
      [every(100), "few again"],
    ] as const) {
      const before = subject.contents.usedBytes;
      write(pages);
      subject.checked(what);
      assert.equal(subject.contents.usedBytes - before, pages.length * PAGE_BYTES, what);
      subject.checked(`${what}: and nothing more`);
      assert.equal(subject.contents.usedBytes - before, pages.length * PAGE_BYTES, what);
    }
    subject.rig.close();
  });
}

test("S108: what is written as it was is no change, however much of it", async () => {
  const { subject, write } = await standing();
  const bytes = new Uint8Array(PAGE_BYTES).fill(5);
  write(every(1), bytes);
  subject.checked("all");
  const before = subject.contents.usedBytes;
  for (const step of [100, 3, 1]) {
    write(every(step), bytes);
    subject.checked(`every ${step}`);
    assert.equal(subject.contents.usedBytes, before, `every ${step}`);
  }
  subject.rig.close();
});

test("S108: where everything has no room side by side, it is copied granule by granule", async () => {
  const shared = new SharedMemoryProvider();
  let left = Number.POSITIVE_INFINITY;
  const provider: DataProvider = {
    lease: (least, likely) => (left-- > 0 ? shared.lease(least, likely) : { ok: false, reason: "no-room" }),
  };
  const { subject, write } = await standing({ provider });
  for (let i = 0; i < 6; i++) {
    write(every(2).map((page) => page + (i % 2)));
    subject.checked(`scattered ${i}`);
  }
  left = 0; // of what is free, nothing is side by side any more when enough live
  let refused = false;
  for (let i = 0; i < 40 && !refused; i++) {
    write(every(2 + (i % 3)));
    try {
      subject.checked(`without room ${i}`);
    } catch (thrown) {
      assert.equal((thrown as { code?: unknown }).code, "no-room");
      refused = true;
    }
  }
  assert.ok(refused);
  left = Number.POSITIVE_INFINITY;
  subject.checked("with room again");
  subject.rig.close();
});

test("S108: an increment that fails when it is completed leaks nothing, whichever dataspace it is at", async () => {
  const shared = new SharedMemoryProvider();
  let fails = false;
  const provider: DataProvider = {
    lease: (least, likely) => {
      if (fails) throw new Error("no storage, behind the release");
      return shared.lease(least, likely);
    },
  };
  let wanted = false;
  const atPhase = (phase: string) => (fails = wanted && phase === "release");
  const { subject, write } = await standing({ provider, atPhase });
  let failed = 0;
  const living: Captured[] = [];
  for (let i = 0; i < 12; i++) {
    write(every(2).map((page) => page + (i % 2)));
    const before = subject.contents.usedBytes;
    wanted = i > 1;
    try {
      living.push(subject.increment());
    } catch (thrown) {
      assert.match(String(thrown), /behind the release/);
      assert.ok(subject.contents.usedBytes <= before, `${subject.contents.usedBytes} bytes, before ${before}`);
      failed++;
    }
    fails = wanted = false;
    living.push(subject.checked(`${i}`));
  }
  assert.ok(failed > 0);
  for (const { lease } of living) lease.release();
  subject.contents.dispose();
  assert.equal(subject.contents.usedBytes, 0);
  subject.rig.close();
});
