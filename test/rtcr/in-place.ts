// Restores in place that leave the accounts of all protection domains as they were.
import assert from "node:assert/strict";
import type { SystemCheckpoint } from "../../src/checkpoint/index.ts";
import type { Rig } from "./rig.ts";

/** What restores, until that has ended well; quotas are then what they are now, after each. */
export function restoresInPlace(rig: Rig): (system: SystemCheckpoint) => Promise<void> {
  const accounts = () => [...rig.tree.core.pds].map((pd) => [pd.label, pd.ramQuota(), pd.capQuota()]);
  const before = accounts();
  return async (system) => {
    const ended = rig.outcomes.length;
    rig.rtcr.restore(system);
    while (rig.outcomes.length === ended) {
      await new Promise((resolve) => setImmediate(resolve));
      rig.tree.settle();
    }
    assert.ok(Array.isArray(rig.outcomes[ended]), String(rig.outcomes[ended]));
    assert.deepEqual(accounts(), before);
  };
}
