// `npm run soak [-- --minutes N]`: the long run of bench/soak/soak.ts, ten minutes unless told otherwise. Its last line says
// what came of it.
import { mkdtempSync, rmSync } from "node:fs";
import { loadavg } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { SOAK_BOUNDS, type SoakReport, soak } from "../bench/soak/soak.ts";

/** Of the rate that was asked for; what is missing are the last moments of the run. */
const HELD = 0.99;

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "10" },
    "checkpoint-ms": { type: "string", default: "100" },
    "restore-ms": { type: "string", default: "10000" },
  },
});
const folder = mkdtempSync(join(process.cwd(), ".soak-"));
const times = {
  durationMs: Number(values.minutes) * 60_000,
  checkpointEveryMs: Number(values["checkpoint-ms"]),
  restoreEveryMs: Number(values["restore-ms"]),
};
try {
  const report = await soak({ ...times, folder, progress: (reading) => console.log(JSON.stringify(reading)) });
  console.log(`nothing may grow beyond ${JSON.stringify(SOAK_BOUNDS)} more than at the third reading`);
  console.log(summary(report));
} catch (thrown) {
  console.error(`soak: failed: ${(thrown as Error).message}`);
  process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** Lost or doubled values and broken bounds have thrown by now. */
function summary({ checkpoints, elapsedMs, strategies, readings, lines }: SoakReport): string {
  const rate = checkpoints / (elapsedMs / 1000);
  const wanted = 1000 / times.checkpointEveryMs;
  const all = lines.values().reduce((sum, count) => sum + count, 0);
  const bounds = readings.length > 3 ? "bounds held" : `bounds not tried (${readings.length} restores, 4 are needed)`;
  const held = rate >= HELD * wanted ? "held" : "NOT held";
  const load = loadavg().map((value) => value.toFixed(1));
  return `soak: ${rate.toFixed(2)} checkpoints/s of ${wanted}: rate ${held}; ${checkpoints} checkpoints, ${strategies.length} restores in ${(elapsedMs / 60_000).toFixed(1)} min; ${all} lines, 0 lost, 0 doubled; ${bounds}; load ${load.join(" ")}`;
}
