// What a component may see nothing of, whenever it happens: that its threads are stopped, looked at, made anew or moved.
import assert from "node:assert/strict";
import type { KernelThread } from "../../src/core/kernel/thread.ts";
import type { Random } from "../random.ts";
import type { TestComponent, TestSystem } from "./kernel-system.ts";

export interface Disturbed {
  readonly victims: readonly KernelThread[];
  readonly components: readonly TestComponent[];
  /** How many there are. */
  readonly cpus: number;
  /** What may happen besides. */
  readonly others?: readonly (() => void)[];
}

/** Does one such thing, and waits for a moment or not; the threads go on. */
export async function disturb(
  system: TestSystem,
  random: Random,
  { victims, components, cpus, others = [] }: Disturbed,
): Promise<void> {
  const victim = random.pick(victims);
  const { component } = random.pick(components);
  const acts: readonly (() => unknown)[] = [
    () => victim.pause(),
    () => assert(victim.state().ok || victim.dead),
    () => victim.nativeState(),
    () => component.atRest(() => component.recreate()),
    () => component.atRest(() => component.place(random.below(cpus))),
    () => component.still(() => undefined),
    () => component.saveGlobals(),
    () => component.table.eachSlot(() => {}),
    () => {
      system.kernel.scheduler.freeze();
      system.kernel.scheduler.resume();
    },
    () => {
      system.kernel.everyPoint = true;
      system.kernel.atPoint = () => random.below(4) === 0;
    },
    ...others,
  ];
  random.pick(acts)();
  if (random.below(2) === 0) await new Promise((resolve) => setTimeout(resolve, random.below(3)));
  system.kernel.everyPoint = false;
  if (!victim.dead) victim.resume();
}
