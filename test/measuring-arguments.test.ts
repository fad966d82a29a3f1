// The programs of the evaluation refuse to measure nothing, or what nobody can have meant.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";

const ROOT = join(import.meta.dirname, "..");
const CASES: readonly (readonly [args: readonly string[], message: string])[] = [
  [["scripts/evaluation.ts", "--rounds", "0"], '--rounds is "0", expected a whole number above 0'],
  [["scripts/evaluation.ts", "--rounds", "1.5"], '--rounds is "1.5", expected a whole number above 0'],
  [["scripts/soak.ts", "--minutes", "ten"], '--minutes is "ten", expected a number above 0'],
  [["scripts/soak.ts", "--checkpoint-ms", "0"], '--checkpoint-ms is "0", expected a number above 0'],
  [["scripts/soak.ts", "--restore-ms="], '--restore-ms is "", expected a number above 0'],
  [["bench/run.ts", "criu", "--rounds", "x"], '--rounds is "x", expected a whole number above 0'],
  [["bench/run.ts", "criu", "--sizes", "1,,16"], '--sizes is "", expected a whole number above 0'],
  [["bench/run.ts", "criu", "--only", "thread"], '--only is "thread", expected file or threads'],
];

for (const [[program, ...args], message] of CASES) {
  test(`S117, S120, S122: ${program} ${args.join(" ")} is refused`, () => {
    const { status, stderr, stdout } = spawnSync(process.execPath, [join(ROOT, program!), ...args], {
      encoding: "utf8",
    });
    assert.deepEqual([status, stderr, stdout], [2, `error: ${message}\n`, ""]);
  });
}
