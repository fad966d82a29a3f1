// Restores that cannot be: what differs is named with both sides, nothing half made goes on, and the supervisor, its
// accounts and the checkpoint are as they were (S85, S86, S96, S106).
import assert from "node:assert/strict";
import { test } from "node:test";
import type { ChildInfo, SystemCheckpoint } from "../../src/checkpoint/index.ts";
import { RtcrFault, STRATEGIES } from "../../src/rtcr/index.ts";
import { Rig, type RigOptions, undisturbed } from "./rig.ts";

const SHORT = '<config turns="4" iterations="20"/>';
const SHEEP: RigOptions = { children: [{ name: "sheep_counter", inside: SHORT }] };

async function halfway(
  of: RigOptions,
  share = 0.75,
): Promise<{ system: SystemCheckpoint; lines: readonly string[]; before: number }> {
  const { points, lines } = await undisturbed(of);
  const rig = new Rig(of);
  assert.ok(await rig.run(Math.floor(points * share)));
  const { system } = rig.rtcr.checkpoint("halfway");
  const before = rig.lines.length;
  rig.close();
  return { system, lines, before };
}

/** The record with another child in the place of its first. */
function changed(system: SystemCheckpoint, change: (child: ChildInfo) => ChildInfo): SystemCheckpoint {
  return { ...system, children: system.children.map((child, i) => (i === 0 ? change(child) : child)) };
}

/** What the supervisor has when its children are gone. */
function accountsWithoutChildren(rig: Rig): unknown {
  rig.rtcr.dispose();
  rig.tree.settle();
  const pd = rig.tree.pd("rtcr")!;
  const badges = rig.tree.core.kernel.badges.live;
  return { ram: pd.ramQuota(), caps: pd.capQuota(), usedRam: pd.usedRam(), usedCaps: pd.usedCaps(), badges };
}

/** The same of a supervisor whose child was never restored. */
async function untouched(of = SHEEP): Promise<unknown> {
  const rig = new Rig(of);
  await rig.run(20);
  const accounts = accountsWithoutChildren(rig);
  rig.close();
  return accounts;
}

/** What refused a restore, after time has passed and nothing has run. */
async function refused(of: RigOptions, plain = SHEEP): Promise<RtcrFault> {
  const rig = new Rig(of);
  for (let turn = 0; turn < 200 && rig.outcomes.length === 0; turn++) {
    await new Promise((resolve) => setImmediate(resolve));
    rig.tree.advance(1000);
  }
  const [outcome] = rig.outcomes;
  assert.ok(outcome instanceof RtcrFault, `refused, not ${JSON.stringify(outcome)}`);
  assert.equal(rig.outcomes.length, 1);
  assert.deepEqual(rig.lines, [], "nothing of the child ran");
  await new Promise((resolve) => setImmediate(resolve));
  rig.tree.advance(1000);
  assert.deepEqual(rig.rtcr.children, [], "nothing of it is left");
  assert.deepEqual(accountsWithoutChildren(rig), await untouched(plain), "quotas are balanced");
  rig.close();
  return outcome;
}

/** The checkpoint still works. */
async function intact(of: RigOptions, { system, lines, before }: Awaited<ReturnType<typeof halfway>>): Promise<void> {
  const rig = new Rig({ ...of, restore: system });
  await rig.run();
  assert.deepEqual(rig.lines, lines.slice(before));
  rig.close();
}

const BOOTSTRAP: RigOptions = { ...SHEEP, strategy: "bootstrap" };
const heap = ({ bootstrapped, role }: { readonly bootstrapped: boolean; readonly role: string }) =>
  bootstrapped && role.startsWith("stack-area 0x1f0000");

for (const [what, change, expected] of [
  ["size", { size: 12_288, content: new Uint8Array(12_288) }, /recorded are 12288 bytes, cached.*made 65536 bytes/],
  ["attribute", { cached: "uncached" }, /recorded are 65536 bytes, uncached.*made 65536 bytes, cached/],
  ["allocation", { allocated: 900 }, /allocation 900; the bootstrap made .*allocation 11/],
] as const) {
  test(`S86: a dataspace of the bootstrap with another ${what} than recorded: both sides are named, nothing is copied`, async () => {
    const taken = await halfway(BOOTSTRAP);
    const system = changed(taken.system, (child) => ({
      ...child,
      pd: {
        ...child.pd,
        dataspaces: child.pd.dataspaces.map((info) => (heap(info) ? { ...info, ...change } : info)),
      },
    }));
    const fault = await refused({ ...BOOTSTRAP, restore: system });
    assert.equal(fault.code, "mismatch");
    assert.match(fault.message, expected);
    await intact(BOOTSTRAP, taken);
  });
}

for (const strategy of STRATEGIES) {
  const of: RigOptions = { ...SHEEP, strategy };

  test(`S85: a child of which nothing is recorded is started afresh (${strategy})`, async () => {
    const { system, lines } = await halfway(of);
    const other = changed(system, (child) => ({ ...child, name: "somebody" }));
    const rig = new Rig({ ...of, restore: other });
    await rig.run();
    assert.deepEqual(rig.lines, lines);
    const [outcome] = rig.outcomes;
    assert.ok(outcome instanceof RtcrFault && rig.outcomes.length === 1);
    const why = "it is not configured, or with less than its start costs";
    assert.equal(outcome.message, `restore of "somebody": it cannot be started: ${why}`);
    rig.close();
  });

  test(`S86, S106: another program than recorded is refused with both hashes (${strategy})`, async () => {
    const taken = await halfway(of);
    const program = "0".repeat(64);
    const fault = await refused({ ...of, restore: changed(taken.system, (child) => ({ ...child, program })) });
    assert.equal(fault.code, "mismatch");
    const [found] = taken.system.children;
    assert.equal(fault.message, `restore of "sheep_counter": expected the program ${program}, found ${found!.program}`);
    await intact(of, taken);
  });

  test(`S96, S106: a session of a service that is not here is refused by name (${strategy})`, async () => {
    const taken = await halfway(of);
    const logs = (child: ChildInfo) => [...child.logs, { ...child.logs[0]!, id: 99, badge: 4000, allocated: 4000 }];
    const foreign = (child: ChildInfo) =>
      ({
        ...child,
        foreign: logs(child)
          .slice(-1)
          .map((info) => ({
            ...info,
            service: "Nowhere",
            server: "",
            phase: "cap-handed-out",
            serverId: 0,
            serverBadge: 0,
            addedArgs: "",
          })),
      }) as unknown as ChildInfo;
    const fault = await refused({ ...of, restore: changed(taken.system, foreign) });
    assert.equal(fault.code, "refused");
    assert.match(fault.message, /^restore of "sheep_counter": Nowhere session 99 .*: service-denied$/);
    await intact(of, taken);
  });

  test(`S106: a place with less quota than the child needs refuses it (${strategy})`, async () => {
    const large: RigOptions = { children: [{ name: "large_dataspaces", inside: SHORT }], strategy };
    const taken = await halfway(large, 0.9);
    const fault = await refused({ ...large, restore: taken.system, quota: 'caps="500" ram="400K"' }, large);
    assert.equal(fault.code, "refused");
    assert.match(fault.message, /^restore of "large_dataspaces": dataspace .* of 409600 bytes: out-of-ram$/);
    await intact(large, taken);
  });

  test(`S106: a child that is killed leaves supervisor, accounts and checkpoints as they were (${strategy})`, async () => {
    const { points } = await undisturbed(of);
    const rig = new Rig(of);
    await rig.run(Math.floor(points / 2));
    const { system } = rig.rtcr.checkpoint("before");
    const copy = structuredClone(system);
    assert.deepEqual(accountsWithoutChildren(rig), await untouched(), "quotas are balanced");
    assert.deepEqual(rig.rtcr.children, []);
    assert.throws(
      () => rig.rtcr.checkpoint("after", ["sheep_counter"]),
      (thrown) => thrown instanceof RtcrFault && thrown.code === "no-such-child",
    );
    assert.deepEqual(system, copy);
    rig.close();
    const again = new Rig({ ...of, restore: system });
    await again.run();
    assert.ok(again.lines.length > 0);
    again.close();
  });
}
