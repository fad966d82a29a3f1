// Tests of the kernel with programs that mark what they write: between slices, nothing in their dataspaces has changed unsaid.
import assert from "node:assert/strict";
import { after } from "node:test";
import { TestSystem } from "./support/kernel-system.ts";
import { WrittenAudit } from "./support/written-audit.ts";

TestSystem.audited = true;

for (const file of ["hostile", "memory", "rpc", "signals", "spawn", "thread", "waits", "windows"])
  await import(`../src/core/kernel/${file}.test.ts`);

after(() => assert(WrittenAudit.looks > 1000, `more than 1000 looks, found ${WrittenAudit.looks}`));
