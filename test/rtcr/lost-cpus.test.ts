// A CPU that ends takes threads of children with it: these cannot be saved any more, which is said by name; the others can, and
// all of them go on from an earlier checkpoint on the CPUs that are left.
import assert from "node:assert/strict";
import { test } from "node:test";
import { STRATEGIES } from "../../src/rtcr/index.ts";
import { Rig, type RigOptions, undisturbed } from "./rig.ts";

const SHORT = '<config turns="6" iterations="20" period_ms="3" sleep_ms="3"/>';
const [STAYS, LOST] = ["sheep_counter_timer", "sheep_counter_extended"] as const;
/** The second one is on CPU 1. */
const FAMILY: RigOptions = { children: [STAYS, LOST].map((name) => ({ name, inside: SHORT })), cpus: 2 };

for (const strategy of STRATEGIES) {
  test(`S14, S24, S89, S106: children whose CPU is lost are named, and go on from an earlier checkpoint on another (${strategy})`, async () => {
    const { lines } = await undisturbed({ ...FAMILY, cpus: 1 });
    const rig = new Rig({ ...FAMILY, strategy });
    await rig.tree.core.kernel.ready;
    assert.ok(await rig.run(150));
    const before = rig.rtcr.checkpoint("before").system;
    const written = rig.lines;
    rig.tree.core.kernel.cpus!.at(1).link.lose("CPU 1 has ended");
    for (const children of [undefined, [LOST]]) {
      assert.throws(() => rig.rtcr.checkpoint("after", children), {
        code: "unsaveable",
        message: `child "${LOST}": the program: CPU 1 has ended`,
      });
    }
    rig.rtcr.checkpoint("after", [STAYS]).lease.release();
    rig.rtcr.restore(before);
    await rig.run();
    assert.deepEqual(
      rig.outcomes.map((outcome) => Array.isArray(outcome)),
      [true],
      String(rig.outcomes),
    );
    const all = [...written, ...rig.lines.slice(written.length)];
    assert.deepEqual(all.toSorted(), lines.toSorted());
    rig.close();
  });
}
