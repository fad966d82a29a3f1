// Tests of one CPU, with all their components on CPU 1.
import { TestSystem } from "../../../../test/support/kernel-system.ts";
import { startNodeCpu } from "./start-node.ts";

TestSystem.elsewhere = { cpu: 1, start: startNodeCpu };

for (const file of ["memory", "windows", "memory-torture"]) await import(`../${file}.test.ts`);
