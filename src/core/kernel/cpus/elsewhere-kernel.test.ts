// Tests of one CPU, with all their components on CPU 1: what the kernel promises holds there too, against those who mean
// harm as well. Its stack is as small as that of CPU 0 is in these tests, some of which use all of it.
import { TestSystem } from "../../../../test/support/kernel-system.ts";
import { nodeCpuWith } from "./start-node.ts";

TestSystem.elsewhere = { cpu: 1, start: nodeCpuWith({ stackSizeMb: 1 }) };

for (const file of ["holdings", "hostile", "rpc", "signals", "thread"]) await import(`../${file}.test.ts`);
