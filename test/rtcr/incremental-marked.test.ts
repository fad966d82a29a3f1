// Programs that were loaded before anybody wanted marks of them, or want none any more, are rewritten where they stand: nobody
// sees it, and increments are what full checkpoints are (S108).
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Captured, RtcrPd, STRATEGIES } from "../../src/rtcr/index.ts";
import { seededRandom } from "../random.ts";
import { Incremental, SHORT, SYSTEMS, same } from "./increments.ts";
import { Rig, type RigOptions, undisturbed } from "./rig.ts";

/** Checkpoints of a run. */
const POINTS = 8;

/** Programs of all PDs that have one which could mark. */
function marked({ rtcr }: Rig): boolean[] {
  const pds = rtcr.children.flatMap((name) => rtcr.child(name)!.of(RtcrPd));
  return pds.filter(({ native }) => native.program()?.native === undefined).map(({ native }) => native.marked());
}

async function toggled(options: RigOptions): Promise<void> {
  const { points, lines } = await undisturbed(options);
  const random = seededRandom(points);
  let wanted = false;
  const subject = new Incremental(options, {}, () => wanted);
  let last: { readonly captured: Captured; readonly lines: readonly string[] } | undefined;
  for (let i = 1; i <= POINTS; i++) {
    if (!(await subject.rig.run(Math.floor((points * i) / (POINTS + 1))))) break;
    wanted = i === 2 || (i > 2 && random.below(2) === 0);
    const captured = subject.checked(`${i}: ${wanted ? "with" : "without"} marks`);
    assert.ok(marked(subject.rig).every((each) => each === wanted));
    last?.captured.lease.release();
    last = { captured, lines: subject.rig.lines };
  }
  assert.ok(last, "there was a checkpoint");
  for (const strategy of STRATEGIES) {
    const again = new Rig({ ...options, restore: last.captured.system, strategy });
    await again.run();
    assert.deepEqual([...last.lines, ...again.lines].toSorted(), lines.toSorted(), strategy);
    again.close();
  }
  await subject.rig.run();
  assert.deepEqual(subject.rig.lines.toSorted(), lines.toSorted(), "the children saw nothing of it");
  last.captured.lease.release();
  subject.contents.dispose();
  assert.equal(subject.contents.usedBytes, 0);
  subject.rig.close();
}

const FAMILY = ["large_dataspaces", "sheep_counter_extended", "small_dataspaces"];
const ON_CPUS: Readonly<Record<string, RigOptions>> = {
  "children on three CPUs": { children: FAMILY.map((name) => ({ name, inside: SHORT })), cpus: 3 },
  "threads on two CPUs": {
    children: [
      { name: "workers", inside: '<affinity xpos="0" width="2"/><config><arg value="2"/><arg value="3"/></config>' },
    ],
    ...{ slice: 20, cpus: 2 },
  },
};

for (const [name, options] of Object.entries({ ...SYSTEMS, ...ON_CPUS })) {
  test(`S108: marks come and go while programs run: ${name}`, () => toggled(options));
}

test("S108: what a program had written before it was marked is in the next increment, and only what it writes then in others", async () => {
  const [name, options] = Object.entries(SYSTEMS)[0]!;
  const { points } = await undisturbed(options);
  let wanted = false;
  const subject = new Incremental(options, {}, () => wanted);
  assert.ok(await subject.rig.run(Math.floor(points / 2)), name);
  subject.checked("unmarked").lease.release();
  wanted = true;
  subject.checked("marked now").lease.release();
  const before = subject.contents.copiedBytes;
  same(subject.increment().system, subject.full(), "nothing was written");
  assert.equal(subject.contents.copiedBytes, before, "an increment of a program that stands copies nothing");
  subject.rig.close();
});
