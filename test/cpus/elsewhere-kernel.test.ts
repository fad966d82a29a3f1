// Tests of one CPU, with all their components on CPU 1: what the kernel promises holds there too, against those who mean
// harm as well. Its stack is as small as that of CPU 0 is in these tests, some of which use all of it.

import { nodeCpuWith } from "../../src/core/kernel/cpus/start-node.ts";
import { TestSystem } from "../support/kernel-system.ts";

TestSystem.elsewhere = { cpu: 1, start: nodeCpuWith({ stackSizeMb: 1 }) };

for (const file of ["holdings", "hostile", "rpc", "signals", "thread"])
  await import(`../../src/core/kernel/${file}.test.ts`);
