// Increments wherever children and supervisors are (S108): on several CPUs, copied by workers, of some children only, of
// supervisors in each other, who both take what is written.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { IncrementalContents, SharedMemoryProvider } from "../../src/rtcr/index.ts";
import { startNodeCopyPool } from "../../src/rtcr/index-node.ts";
import { assemble } from "../assemble.ts";
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

/** Writes a page in each turn, and says something now and then. */
const WIDE =
  assemble(`(module (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") i64 20) (data (i64.const 8) "\\10\\00\\00\\00\\05\\00\\00\\00turn\\n")
  (func (export "_start") (local $n i64) (loop $l
    (i64.store offset=4096 (i64.mul (i64.rem_u (local.get $n) (i64.const 300)) (i64.const 4096)) (local.get $n))
    (if (i64.eqz (i64.rem_u (local.get $n) (i64.const 100)))
      (then (drop (call $write (i32.const 1) (i32.const 8) (i32.const 1) (i32.const 2048)))))
    (br_if $l (i64.lt_u (local.tee $n (i64.add (local.get $n) (i64.const 1))) (i64.const 900))))))`);

test("S108: increments of a program with 64-bit addresses, which marks as any does", async () => {
  const options: RigOptions = { children: [{ name: "wide" }], binaries: { wide: WIDE } };
  let before = 0;
  const subject = await along(options, 8, (each, i) => {
    each.checked(`${i}`);
    const bytes = each.contents.usedBytes - before;
    before = each.contents.usedBytes;
    assert.ok(i === 1 || bytes < 130 * 4096, `${bytes} bytes of about 100 pages that were written`);
    const [program] = [...each.rig.tree.core.kernel.lifetimes.components].filter(({ loaded }) => loaded);
    assert.ok(program?.marks, "it has marks");
  });
  assert.ok(before > 0);
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
