// Tests of one CPU, with all their components on CPU 1.

import { startNodeCpu } from "../../src/core/kernel/cpus/start-node.ts";
import { TestSystem } from "../support/kernel-system.ts";

TestSystem.elsewhere = { cpu: 1, start: startNodeCpu };

for (const file of ["memory", "windows", "memory-torture"]) await import(`../../src/core/kernel/${file}.test.ts`);
