// A kernel with several CPUs, for tests.
import { startNodeCpu } from "../../src/core/kernel/cpus/start-node.ts";
import type { KernelOptions } from "../../src/core/kernel/kernel.ts";
import { startKernelTicker } from "../../src/core/kernel/ticker.ts";
import { type TestComponent, TestSystem } from "./kernel-system.ts";
import { closeWithTest } from "./left-open.ts";

export { until } from "./until.ts";

/** When all CPUs are there. */
export async function machine(count: number, options: Partial<KernelOptions> = {}): Promise<TestSystem> {
  const system = new TestSystem({
    cpus: { width: count, height: 1, start: startNodeCpu },
    ticker: startKernelTicker,
    ...options,
  });
  closeWithTest(system.kernel);
  await system.kernel.ready;
  return system;
}

/** What a component counts at 64. */
export function counter({ component }: TestComponent): number {
  return component.view.getInt32(64, true);
}
