// Components on a CPU beside the kernel's, with programs that mark what they write: between slices, while all CPUs stand at safe
// points, nothing in their dataspaces has changed unsaid.
import assert from "node:assert/strict";
import { after } from "node:test";
import { nodeCpuWith } from "../../src/core/kernel/cpus/start-node.ts";
import { TestSystem } from "../support/kernel-system.ts";
import { WrittenAudit } from "../support/written-audit.ts";

TestSystem.audited = true;
TestSystem.elsewhere = { cpu: 1, start: nodeCpuWith({ stackSizeMb: 1 }) };

for (const file of ["rpc", "windows"]) await import(`../../src/core/kernel/${file}.test.ts`);

after(() => assert(WrittenAudit.looks > 100, `more than 100 looks, found ${WrittenAudit.looks}`));
