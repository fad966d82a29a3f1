// Marks of what children write are charged to the supervisor that wants them, never to a child: refused by name where it cannot
// pay, and then everything goes on without them; given back when nobody marks anything any more.
import assert from "node:assert/strict";
import { test } from "node:test";
import { IncrementalContents, type Rtcr, RtcrPd } from "../../src/rtcr/index.ts";
import { MARKS_BYTES, objectOf, type PdSession } from "../../src/session/index.ts";
import { CHILDREN, type Controlled, NAMES, supervised, supervisedConfig } from "./controlled.ts";
import { PAIR, supervisor } from "./nested.ts";
import { Rig, type RigOptions, throughImage, undisturbed } from "./rig.ts";

const [CHILD, ANOTHER] = NAMES as [string, string];
const INC = '<module name="inc"/>';
const SERVED = '<service name="Rtcr"/>';

const usedOf = ({ supervisor: { env } }: Controlled) => {
  const pd = objectOf<PdSession>(env.pd, "pd")!;
  return { ram: pd.usedRam(), caps: pd.usedCaps() };
};
const pdOf = ({ supervisor: { rtcr } }: Controlled, child: string): RtcrPd => rtcr.child(child)!.of(RtcrPd)[0]!;
const seenBy = (subject: Controlled, child: string) => {
  const pd = pdOf(subject, child);
  return [pd.ramQuota(), pd.capQuota(), pd.usedRam(), pd.usedCaps()];
};
const markedOf = (subject: Controlled) => NAMES.map((name) => pdOf(subject, name).native.marked());

/** A system whose children have come so far. */
async function running(more: string, lines = 2): Promise<Controlled> {
  const subject = supervised(`${more}${SERVED}${CHILDREN}`);
  for (const name of NAMES) await subject.until(name, lines);
  return subject;
}

test("S14, S108: marks are charged to the supervisor; what its children have and see is as without", async () => {
  const [base, inc] = [await running(""), await running(INC)];
  try {
    assert.deepEqual(markedOf(inc), [true, true]);
    const [without, charged] = [usedOf(base), usedOf(inc)];
    assert.deepEqual(charged, { ram: without.ram + NAMES.length * MARKS_BYTES, caps: without.caps + NAMES.length });
    for (const name of NAMES) assert.deepEqual(seenBy(inc, name), seenBy(base, name), name);
  } finally {
    base.tree.close();
    inc.tree.close();
  }
});

test("S14, S108: charges of marks are given back with their child, and are those of the child that a restore makes", async () => {
  const subject = await running(INC);
  try {
    const charged = usedOf(subject);
    assert.deepEqual(subject.session.checkpointAs(CHILD, "v1"), { ok: true, value: undefined });
    const kept = usedOf(subject);
    const lines = subject.lines(CHILD).length;
    assert.deepEqual(subject.session.restore("v1"), { ok: true, value: undefined });
    await subject.until(CHILD, lines + 3);
    assert.deepEqual(markedOf(subject), [true, true]);
    assert.deepEqual(usedOf(subject), kept);
    assert.deepEqual(subject.session.forget("v1"), { ok: true, value: undefined });
    assert.deepEqual(usedOf(subject), charged);
    const one = `<child name="${ANOTHER}" quota="8M" caps="300"/>`;
    const before = subject.lines(ANOTHER).length;
    subject.tree.configure(supervisedConfig(`${INC}${SERVED}${one}`));
    await subject.until(ANOTHER, before + 2);
    const alone = usedOf(subject);
    subject.tree.configure(supervisedConfig(`${INC}${SERVED}${CHILDREN}`));
    await subject.until(CHILD, subject.lines(CHILD).length + 2);
    assert.deepEqual(usedOf(subject), charged, "the child began anew");
    assert.ok(alone.ram <= charged.ram - MARKS_BYTES, "marks of the child that had gone");
  } finally {
    subject.tree.close();
  }
});

test("S14, S108, S111: programs are marked and charged for when module inc comes into force, and neither when it goes", async () => {
  const subject = await running("");
  try {
    const { ram, caps } = usedOf(subject);
    const configure = (module: string) => subject.tree.configure(supervisedConfig(`${module}${SERVED}${CHILDREN}`));
    for (let i = 0; i < 2; i++) {
      configure(INC);
      subject.supervisor.rtcr.checkpoint("x").lease.release();
      assert.deepEqual(markedOf(subject), [true, true]);
      assert.deepEqual(usedOf(subject), { ram: ram + NAMES.length * MARKS_BYTES, caps: caps + NAMES.length });
      configure("");
      assert.deepEqual(markedOf(subject), [false, false]);
      assert.deepEqual(usedOf(subject), { ram, caps }, "without a checkpoint");
    }
    for (const name of NAMES) await subject.until(name, subject.lines(name).length + 2);
    assert.deepEqual(subject.tree.warnings, []);
  } finally {
    subject.tree.close();
  }
});

test("S14, S108: where the supervisor cannot pay for all marks, programs are without, by name, and increments as they should be", async () => {
  const base = await running("");
  const { ram } = usedOf(base);
  const left = objectOf<PdSession>(base.supervisor.env.pd, "pd")!.ramQuota() - ram;
  base.tree.close();
  // There is room for the marks of one.
  const preserve = `<resource name="RAM" preserve="${left - MARKS_BYTES - 2 ** 20}"/>`;
  const subject = await running(`${preserve}${INC}`);
  try {
    assert.equal(markedOf(subject).filter(Boolean).length, 1);
    assert.equal(usedOf(subject).ram, ram + MARKS_BYTES);
    const said = subject.tree.lines.filter((line) => line.includes("does not mark what it writes"));
    assert.equal(said.length, 1, said.join("\n"));
    assert.match(said[0]!, new RegExp(`child "(${NAMES.join("|")})": .* marks of ${MARKS_BYTES} bytes: out-of-ram`));
    const made = subject.supervisor.rtcr.checkpoint("x");
    assert.equal(made.system.children.length, 2);
    made.lease.release();
  } finally {
    subject.tree.close();
  }
});

test("S14, S97, S108: an inner supervisor pays for the marks that it wants, and goes on paying when the outer one restores it", async () => {
  let wanted = true;
  const contents = new IncrementalContents();
  const options: RigOptions = {
    children: [supervisor("inner", PAIR)],
    programs: ["adder_server", "adder_client"],
    quota: 'caps="1500" ram="48M"',
    inner: { marks: () => wanted, keeper: () => contents },
  };
  const { points, lines } = await undisturbed(options);
  const usedBy = ({ rtcr }: Rig) => rtcr.child("inner")!.of(RtcrPd)[0]!.usedRam();
  const markedIn = ([inner]: readonly Rtcr[]) =>
    inner!.children.map((name) => inner!.child(name)!.of(RtcrPd)[0]!.native.marked());
  const rig = new Rig(options);
  assert.ok(await rig.run(Math.floor(points / 2)));
  const made = rig.rtcr.checkpoint("outer");
  assert.deepEqual(markedIn(rig.inner), [true, true]);
  const charged = usedBy(rig);
  wanted = false;
  rig.inner[0]!.checkpoint("inner").lease.release();
  assert.deepEqual(markedIn(rig.inner), [false, false]);
  assert.equal(usedBy(rig), charged - 2 * MARKS_BYTES);
  rig.rtcr.checkpoint("outer, without").lease.release();
  assert.deepEqual(markedIn(rig.inner), [false, false], "the outer one wants none");
  const before = rig.lines.length;
  await rig.run();
  assert.deepEqual(rig.lines, lines);
  rig.close();
  wanted = true;
  const again = new Rig({ ...options, restore: await throughImage(made.system) });
  assert.ok(await again.run(1));
  again.inner[0]!.checkpoint("inner").lease.release();
  assert.deepEqual(markedIn(again.inner), [true, true], "from its first checkpoint on");
  assert.equal(usedBy(again), charged);
  await again.run();
  assert.deepEqual([...lines.slice(0, before), ...again.lines], lines);
  again.close();
  contents.dispose();
});
