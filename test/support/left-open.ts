// Kernels that a test has made and, when it fails, not closed: their CPUs and tickers would run on, and the process with
// them, so that one failure would be a run of all tests that never ends.
import { afterEach } from "node:test";
import type { Kernel } from "../../src/core/kernel/index.ts";

const kernels = new Set<Kernel>();

afterEach(() => {
  for (const { scheduler } of kernels) scheduler.close();
  kernels.clear();
});

/** The kernel is closed when the test that runs is over, if it has not been. */
export function closeWithTest(kernel: Kernel): void {
  kernels.add(kernel);
}
