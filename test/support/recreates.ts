// Torture of a kernel by itself: its components are serialised, thrown away and made anew while they run.
import { deserialize, serialize } from "node:v8";
import type { SavedGroup } from "../../src/abi/index.ts";
import type { Component, Kernel } from "../../src/core/kernel/index.ts";
import { EngineFault } from "../../src/engine/index.ts";

export interface Recreations {
  /** Safe points that threads have come to. */
  points: number;
  /** How often all components were made anew. */
  recreations: number;
  /** How often one was not, because it ran on another CPU and could not be stopped. */
  busy: number;
}

/** Makes all components that run a program anew at every n-th safe point. @returns counts that go on */
export function recreatesEvery({ kernel }: { readonly kernel: Kernel }, every: number): Recreations {
  const counts = { points: 0, recreations: 0, busy: 0 };
  let due = false;
  kernel.everyPoint = true;
  kernel.atPoint = () => (due = ++counts.points % every === 0);
  kernel.scheduler.between = () => {
    if (!due) return;
    due = false;
    counts.recreations++;
    for (const component of kernel.components) if (component.loaded && !recreated(component)) counts.busy++;
  };
  return counts;
}

function recreated(component: Component): boolean {
  try {
    // nothing but bytes goes from one group to the next
    component.atRest(() => component.recreate((saved) => deserialize(serialize(saved)) as SavedGroup));
    return true;
  } catch (thrown) {
    if (!(thrown instanceof EngineFault) || thrown.code !== "busy") throw thrown;
    return false;
  }
}
