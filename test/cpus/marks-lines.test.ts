// Random calls between CPUs of components that mark what they write, watched as in marks.test.ts.
import assert from "node:assert/strict";
import { after } from "node:test";
import { TestSystem } from "../support/kernel-system.ts";
import { WrittenAudit } from "../support/written-audit.ts";

TestSystem.audited = true;

await import("./lines-random.test.ts");

after(() => assert(WrittenAudit.looks > 20, `more than 20 looks, found ${WrittenAudit.looks}`));
