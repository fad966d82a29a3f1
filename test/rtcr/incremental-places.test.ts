// Increments wherever children and supervisors are (S108): on several CPUs, copied by workers, of some children only, of
// supervisors in each other, who both take what is written.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { IncrementalContents, SharedMemoryProvider } from "../../src/rtcr/index.ts";
import { startNodeCopyPool } from "../../src/rtcr/index-node.ts";
import { Incremental, SHORT, same } from "./increments.ts";
import { PAIR, supervisor } from "./nested.ts";
import { type RigOptions, undisturbed } from "./rig.ts";

const FAMILY: RigOptions = {
  children: ["large_dataspaces", "sheep_counter_extended", "small_dataspaces"].map((name) => ({ name, inside: SHORT })),
};

/** Stops it at so many points of a run, and calls `at` at each. */
async function along(
  options: RigOptions,
  points: number,
  at: (subject: Incremental, i: number) => void,
  marks = true,
): Promise<Incremental> {
  const whole = (await undisturbed(options)).points;
  const subject = new Incremental(options, {}, marks);
  for (let i = 1; i <= points; i++) {
    if (await subject.rig.run(Math.floor((whole * i) / (points + 1)))) at(subject, i);
  }
  return subject;
}

test("S76, S108: increments of children on several CPUs", async () => {
  let made = 0;
  const subject = await along({ ...FAMILY, cpus: 3 }, 8, (each, i) => {
    each.checked(`${i}`).lease.release();
    made++;
  });
  assert.ok(made > 3);
  subject.rig.close();
});

/** Copies everything that it can: the supervisor does not help, however late it is. */
const workers = startNodeCopyPool({ workers: 2, helps: false, patienceMs: 600_000 });
after(() => workers.close());

test("S75, S108: increments that workers copy", async () => {
  const inside = '<config dataspaces="3" pages="40" turns="4" iterations="20"/>';
  const options: RigOptions = { children: [{ name: "many_dataspaces", inside }], provider: new SharedMemoryProvider() };
  let by: typeof workers | undefined;
  const subject = await along({ ...options, pool: () => by }, 5, (each, i) => {
    by = undefined;
    const full = each.full();
    by = workers;
    const before = workers.copied;
    same(each.increment().system, full, `${i}`);
    if (i === 1) assert.ok(workers.copied > before, "by workers");
  });
  subject.rig.close();
});

test("S108: increments of some children, while the others go on", async () => {
  const names = FAMILY.children.map(({ name }) => name);
  const subject = await along(FAMILY, 12, (each, i) => {
    const some = each.rig.rtcr.children.filter((name) => (i >> names.indexOf(name)) & 1);
    if (some.length > 0) each.checked(`${i}: ${some.join(", ")}`, some);
  });
  subject.rig.close();
});

test("S108: programs that mark nothing have increments all the same, by what has changed", async () => {
  const subject = await along(FAMILY, 6, (each, i) => void each.checked(`${i}`), false);
  assert.ok(subject.contents.usedBytes > 0);
  subject.rig.close();
});

test("S97, S108: a supervisor and one among its children both take increments of the same dataspaces", async () => {
  const inner = new IncrementalContents({ granularity: 2 });
  const options: RigOptions = {
    children: [supervisor("inner", PAIR)],
    programs: ["adder_server", "adder_client"],
    quota: 'caps="1500" ram="32M"',
    inner: { keeper: () => inner, marks: () => true },
  };
  let both = 0;
  const subject = await along(options, 9, (each, i) => {
    const [within] = each.rig.inner;
    const takeInner = () => {
      if (!within || within.children.length === 0) return;
      const full = within.checkpoint("inner", undefined, undefined, { full: true }).system;
      const { system, lease } = within.checkpoint("inner");
      same(system, full, `inner, ${i}`);
      lease.release();
      both++;
    };
    if (i % 2 === 0) takeInner();
    if (i % 3 !== 0) each.checked(`outer, ${i}`);
    if (i % 2 === 1) takeInner();
  });
  assert.ok(both > 4);
  subject.rig.close();
});
