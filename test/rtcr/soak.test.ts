// The long run in short: a minute instead of ten (`npm run soak`).
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { soak } from "../../bench/soak/soak.ts";

test("S122: a pair, the cruise control and a key-value server under load go on through checkpoints and restores without a lost or doubled value, and nothing grows", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "rtcr-soak-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const times = { durationMs: 60_000, checkpointEveryMs: 100, restoreEveryMs: 3_000, leastRestores: 14 };
  const { lines, readings, strategies } = await soak({ ...times, folder });
  assert.deepEqual([...new Set(strategies)].sort(), ["bootstrap", "direct"]);
  assert.deepEqual([...lines.keys()].sort(), ["client", "load-1", "load-2", "logger"]);
  assert.ok(
    readings.length >= times.leastRestores,
    "each reading was compared with the third: 11 programs not given back are seen",
  );
  const last = readings.at(-1)!;
  assert.ok(last.checkpoints > last.restores, JSON.stringify(last));
});
