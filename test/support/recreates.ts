// Torture of a kernel by itself: its components are serialised, thrown away and made anew while they run.
import { deserialize, serialize } from "node:v8";
import type { TestSystem } from "./kernel-system.ts";

/** Makes all components that run a program anew at every n-th safe point. */
export function recreatesEvery({ kernel }: TestSystem, every: number): void {
  let points = 0;
  let due = false;
  kernel.everyPoint = true;
  kernel.atPoint = () => (due = ++points % every === 0);
  kernel.scheduler.between = () => {
    if (!due) return;
    due = false;
    for (const component of kernel.components) {
      if (component.loaded) component.recreate((saved) => deserialize(serialize(saved)));
    }
  };
}
