// Checkpoints that fail lose no increment (S108): whatever was written, and whoever has been told of it, the next one has it.
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  CHECKPOINT_PHASES,
  CHUNK_BYTES,
  CopyPool,
  PreallocatedProvider,
  RtcrFault,
  SharedMemoryProvider,
} from "../../src/rtcr/index.ts";
import { Incremental, SHORT } from "./increments.ts";
import { type RigOptions, undisturbed } from "./rig.ts";
import { takeFirstJob } from "./stuck-worker.ts";

const FAMILY: RigOptions = {
  children: [
    { name: "large_dataspaces", inside: SHORT },
    { name: "sheep_counter_extended", inside: SHORT },
  ],
};

/** Of a whole run. */
const POINTS = (await undisturbed(FAMILY)).points;

/** Runs the family to so many points of its run, the last of which is before its end. */
async function* along(subject: Incremental, points: number): AsyncIterable<number> {
  for (let i = 1; i <= points; i++) {
    assert.ok(await subject.rig.run(Math.floor((POINTS * i) / (points + 1))));
    yield i;
  }
}

class Stopped extends Error {}

test("S108: a checkpoint that fails in any phase, at any dataspace, leaves everything to the next", async () => {
  let failAt: { readonly phase: string; left: number } | undefined;
  const atPhase = (phase: string) => {
    if (phase === failAt?.phase && failAt.left-- === 0) throw new Stopped(phase);
  };
  const subject = new Incremental({ ...FAMILY, atPhase });
  for await (const i of along(subject, 12)) {
    const phase = CHECKPOINT_PHASES[i % CHECKPOINT_PHASES.length]!;
    const full = subject.full();
    failAt = { phase, left: phase === "contents" ? (i * 5) % 4 : 0 };
    if (i > 1) assert.throws(() => subject.increment(), Stopped, phase);
    failAt = undefined;
    assert.deepEqual(subject.full().children, full.children, "the children stand as they were");
    subject.checked(`after ${phase} ${i}`).lease.release();
    if (i % 3 === 0) subject.checked("nothing was written").lease.release();
  }
  subject.rig.close();
});

test("S108: a lease without room for the records, and one after a second pause", async () => {
  const least: number[] = [];
  const ample = new SharedMemoryProvider();
  let room: "ample" | "tight" | "none" = "ample";
  const provider = {
    lease: (bytes: number, likely?: number) => {
      least.push(bytes);
      if (room === "none" && least.length > 1) return { ok: false, reason: "no-room" } as const;
      return room === "ample" ? ample.lease(bytes, likely) : ample.lease(bytes);
    },
  };
  const subject = new Incremental({ ...FAMILY, provider });
  for await (const i of along(subject, 8)) {
    const full = subject.full();
    room = "none";
    least.length = 0;
    if (i > 1) assert.throws(() => subject.increment(), { code: "no-room" });
    assert.ok(i === 1 || least.length === 2, "marks were taken before the records had no room");
    room = i % 2 === 0 ? "tight" : "ample";
    const { system, lease } = subject.checked(`${i}`);
    assert.equal(system.children.length, full.children.length);
    lease.release();
  }
  subject.rig.close();
});

test("S108: no room for granules is said by name, nothing is lost of it, and it comes back", async () => {
  const arenas = new PreallocatedProvider({ arenas: 24, arenaBytes: CHUNK_BYTES });
  let open = true;
  const provider = {
    lease: (bytes: number) => (open ? arenas.lease(bytes) : ({ ok: false, reason: "no-room" } as const)),
  };
  const subject = new Incremental(FAMILY, { provider });
  const kept = [];
  let refused = 0;
  for await (const i of along(subject, 10)) {
    open = false;
    for (;;) {
      try {
        kept.push(subject.checked(`${i}`)); // as long as there are free granules
        break;
      } catch (thrown) {
        assert.ok(thrown instanceof RtcrFault && thrown.code === "no-room", String(thrown));
        refused++;
        open = true;
      }
    }
  }
  assert.ok(refused > 0);
  for (const { lease } of kept) lease.release();
  subject.contents.dispose();
  assert.equal(subject.contents.usedBytes, 0);
  subject.rig.close();
});

test("S75, S108: a copy worker that never ends its job fails the increment; its granules are nobody's until it has ended", async () => {
  let end: () => void = () => {};
  const ended = new Promise<void>((resolve) => (end = resolve));
  let pool: CopyPool | undefined;
  const subject = new Incremental({ ...FAMILY, provider: new SharedMemoryProvider(), pool: () => pool });
  for await (const i of along(subject, 3)) {
    if (i === 1) {
      // It takes the first job as soon as there is one, and is never heard of again.
      const start = () => ({ post: takeFirstJob, terminate: () => ended });
      pool = new CopyPool({ start, workers: 1, patienceMs: 20 });
      assert.throws(() => subject.increment(), { code: "copy-failed" });
      assert.ok(subject.contents.usedBytes > 0, "it may write still");
    }
    subject.checked(`${i}`).lease.release();
    if (i === 2) {
      end();
      await new Promise((resolve) => setImmediate(resolve));
      subject.contents.dispose();
      assert.equal(subject.contents.usedBytes, 0);
    }
  }
  subject.rig.close();
});
