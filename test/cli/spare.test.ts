// What stands by for a primary, in whatever order it hears of checkpoints, of its own readiness and of the primary's end.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { SystemCheckpoint } from "../../src/checkpoint/index.ts";
import { Spare } from "../../src/cli/system/spare.ts";
import { RtcrFault, STRATEGIES, type Strategy } from "../../src/rtcr/index.ts";
import { Rig, type RigOptions, undisturbed } from "../rtcr/rig.ts";
import { SHEEP, stopped } from "../rtcr/standing.ts";

/** Two checkpoints of a run, and what was said until each. */
async function twoOf(options: RigOptions) {
  const { points, bootstrapped, lines } = await undisturbed(options);
  const at = (share: number) => stopped(options, bootstrapped + Math.floor((points - bootstrapped) * share));
  return { lines, older: await at(0.3), newer: await at(0.7) };
}

class Standing {
  readonly rig: Rig;
  readonly events: string[] = [];
  readonly spare = new Spare({
    standing: () => this.events.push("standing"),
    refused: ({ message }) => this.events.push(message),
  });

  constructor(system: SystemCheckpoint, strategy: Strategy) {
    this.rig = new Rig({ ...SHEEP, strategy, restore: system, ...this.spare.options });
  }

  async until(holds: () => boolean): Promise<void> {
    for (let turn = 0; !holds(); turn++) {
      assert.ok(turn < 1000, this.events.join());
      await this.rig.rest(() => false);
      await new Promise((resolve) => setImmediate(resolve));
      this.rig.tree.advance(1000);
    }
  }

  /** Its children go on to their end. @returns what they say */
  async end(): Promise<readonly string[]> {
    await this.rig.run();
    const { lines, outcomes } = this.rig;
    assert.equal(outcomes.length, 1);
    assert.ok(!(outcomes[0] instanceof RtcrFault));
    this.rig.close();
    return lines;
  }
}

for (const strategy of STRATEGIES) {
  test(`S97: the primary ends before its spare is ready: it goes on from the newest checkpoint (${strategy})`, async () => {
    const { lines, older, newer } = await twoOf({ ...SHEEP, strategy });
    for (const renewed of [false, true]) {
      for (const early of [false, true]) {
        const standing = new Standing(older.system, strategy);
        const { spare, rig } = standing;
        if (!early) spare.use(rig.rtcr);
        if (renewed) spare.renew(newer.system);
        spare.proceed();
        if (early) spare.use(rig.rtcr);
        const from = renewed ? newer : older;
        assert.deepEqual([...from.lines, ...(await standing.end())], lines, `renewed ${renewed}, early ${early}`);
      }
    }
  });

  test(`S97, S106: of several checkpoints the last is taken up; one that is refused is said, and changes nothing (${strategy})`, async () => {
    const { lines, older, newer } = await twoOf({ ...SHEEP, strategy });
    const standing = new Standing(older.system, strategy);
    const { spare, rig, events } = standing;
    spare.use(rig.rtcr);
    for (const { system } of [older, newer, older, newer]) spare.renew(system);
    await standing.until(() => events.length === 1);
    assert.deepEqual([events, rig.lines], [["standing"], []]);
    const [child] = newer.system.children;
    spare.renew({ ...newer.system, children: [{ ...child!, name: "nobody" }] });
    await standing.until(() => events.length === 2);
    assert.equal(events[1], 'restore: no child "nobody" is configured; there are prog');
    spare.proceed();
    assert.deepEqual([...newer.lines, ...(await standing.end())], lines);
    assert.equal(events.length, 2);
  });
}

test("S97, S106: a checkpoint that comes while a configuration has it begin anew is taken up afterwards", async () => {
  const { lines, older, newer } = await twoOf({ ...SHEEP, strategy: "bootstrap" });
  const standing = new Standing(older.system, "bootstrap");
  const { spare, rig, events } = standing;
  spare.use(rig.rtcr);
  await standing.until(() => events.length === 1);
  const [child] = SHEEP.children;
  rig.reconfigure([{ ...child!, attributes: 'caps="500" ram="16M" version="2"' }]);
  rig.tree.settle(); // to the middle of its bootstrap
  assert.throws(() => rig.rtcr.restore(newer.system), { code: "busy" });
  spare.renew(newer.system);
  spare.proceed();
  assert.deepEqual([...newer.lines, ...(await standing.end())], lines);
  assert.deepEqual(events, ["standing"]);
});

test("S106: a spare whose supervisor is no more hears nothing", async () => {
  const { older, newer } = await twoOf({ ...SHEEP, strategy: "direct" });
  const standing = new Standing(older.system, "direct");
  const { spare, rig, events } = standing;
  spare.use(undefined);
  spare.renew(newer.system);
  spare.proceed();
  await rig.rest(() => false);
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual([events, rig.outcomes], [[], []]);
  rig.close();
});
