// The long run in short: some seconds instead of ten minutes (`npm run soak`).
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { soak } from "../../bench/soak/soak.ts";

test("S122: a pair of components goes on through checkpoints and restores without a lost or doubled value, and nothing grows", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "rtcr-soak-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const times = { durationMs: 6_000, checkpointEveryMs: 100, restoreEveryMs: 700 };
  const { readings, strategies } = await soak({ ...times, folder });
  assert.deepEqual([...new Set(strategies)].sort(), ["bootstrap", "direct"]);
  const last = readings.at(-1)!;
  assert.ok(last.lines > last.restores && last.checkpoints > last.restores, JSON.stringify(last));
});
