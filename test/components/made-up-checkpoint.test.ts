// A checkpoint that says what cannot be is refused by name; it does not bring its supervisor down.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { SystemCheckpoint } from "../../src/checkpoint/index.ts";
import { RtcrFault, STRATEGIES } from "../../src/rtcr/index.ts";
import { Rig, undisturbed } from "../rtcr/rig.ts";

const children = [{ name: "stack_counter", inside: '<config turns="4" iterations="20"/>' }];

for (const strategy of STRATEGIES) {
  test(`S86, S97: dataspaces with less content than their size are refused (${strategy})`, async () => {
    const { points } = await undisturbed({ children });
    const first = new Rig({ children });
    await first.run(Math.floor(points / 2));
    const { system } = first.rtcr.checkpoint("made up");
    first.close();
    const cut = system.children.map((child) => {
      const dataspaces = child.pd.dataspaces.map((info) => ({ ...info, content: info.content.slice(0, 16) }));
      return { ...child, pd: { ...child.pd, dataspaces } };
    });
    const restore: SystemCheckpoint = { ...system, children: cut };
    const second = new Rig({ children, strategy, restore });
    for (let turn = 0; turn < 2000 && second.outcomes.length === 0; turn++) {
      await new Promise((resolve) => setImmediate(resolve));
      second.tree.advance(1000);
    }
    const [outcome] = second.outcomes;
    assert.ok(outcome instanceof RtcrFault, "refused");
    assert.equal(outcome.code, "mismatch");
    assert.match(outcome.message, /16 bytes/);
    second.close();
  });
}
