// What may happen to a child while its restore stands by, and is then told to go on, twice: it goes on, or is refused by name;
// the supervisor works, earlier checkpoints are whole, and quotas are balanced (`Scene.aftermath`).
import assert from "node:assert/strict";
import { test } from "node:test";
import { RtcrFault, STRATEGIES } from "../../src/rtcr/index.ts";
import { EVENTS, type EventName, Scene } from "./phases.ts";

/** What only a thread of the child can do: none of them runs. */
const ACTS: readonly EventName[] = ["crash", "exit"];

/** The restore's fault; absent: it goes on. */
const FAULTS: Readonly<Partial<Record<EventName, RegExp>>> = {
  "the end of its PD": /^restore: child "victim" has ended in the middle of it$/,
  "no RAM left": /^restore of "victim": .*: out-of-ram$/,
  "no capabilities left": /^restore of "victim": .*: out-of-caps$/,
  "removal from the configuration":
    /^restore of "victim": it cannot be started: it is not configured, or with less than its start costs$/,
};

/** Those after which all is ready once more: some start it anew, others change what it may have. */
const AGAIN: readonly EventName[] = [
  ...(["another version of its start node", "another route"] as const),
  ...(["less quota", "more quota"] as const),
];

for (const strategy of STRATEGIES) {
  for (const event of (Object.keys(EVENTS) as EventName[]).filter((name) => !ACTS.includes(name))) {
    for (const which of ["own", "earlier"] as const) {
      test(`S97, S106: standing by (${strategy}, ${which}): ${event}`, async () => {
        const scene = await Scene.open(strategy);
        const { rig } = scene;
        await scene.standBy(scene[which]);
        assert.equal(scene.activity(), "still", "no thread of it does anything");
        EVENTS[event](scene);
        if (AGAIN.includes(event)) await scene.until(() => scene.ready > 1, "it is ready once more");
        else await rig.rest(() => false);
        rig.rtcr.proceed();
        rig.rtcr.proceed();
        await rig.rest(() => false);
        const [outcome, ...more] = rig.outcomes;
        const fault = outcome instanceof RtcrFault ? outcome.message : "none";
        assert.match(fault, FAULTS[event] ?? /^none$/);
        assert.deepEqual([more.length, scene.ready], [0, AGAIN.includes(event) ? 2 : 1]);
        scene.waits = false;
        await scene.aftermath();
      });
    }
  }

  test(`S97, S106: no child that stands by does anything by itself (${strategy})`, async () => {
    const scene = await Scene.open(strategy);
    await scene.standBy(scene.own);
    for (let step = 0; step < 20; step++) {
      assert.equal(scene.activity(), "still");
      await scene.rig.rest(() => false);
      scene.rig.tree.advance(1000);
    }
    assert.deepEqual(scene.rig.outcomes, []);
    scene.rig.rtcr.proceed();
    assert.equal(scene.rig.outcomes.length, 1);
    scene.waits = false;
    await scene.aftermath();
  });
}
