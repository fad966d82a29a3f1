// `npm run soak [-- --minutes N]`: the long run of bench/soak/soak.ts, ten minutes unless told otherwise. Its last line says
// what came of it.
//
// Exit code 1: a value was lost or doubled, a bound is broken, or the rate was not held in a run of ten minutes or more, or
// with --rate. A shorter run without it may fall behind on a busy machine; its last line says so.
import { mkdtempSync, rmSync } from "node:fs";
import { loadavg } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { positive } from "../bench/positive.ts";
import { SOAK_BOUNDS, type SoakReport, soak } from "../bench/soak/soak.ts";
import { BINARIES } from "../bench/soak/workloads.ts";
import { buildComponents, componentNamed } from "./build-guests.ts";

const WHOLE_MINUTES = 10;
/** Of the rate that was asked for; what is missing are the last moments of the run. */
const HELD = 0.99;

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "10" },
    rate: { type: "boolean", default: false },
    "checkpoint-ms": { type: "string", default: "100" },
    "restore-ms": { type: "string", default: "10000" },
  },
});
const minutes = positive(values.minutes, "--minutes");
const times = {
  durationMs: minutes * 60_000,
  checkpointEveryMs: positive(values["checkpoint-ms"], "--checkpoint-ms"),
  restoreEveryMs: positive(values["restore-ms"], "--restore-ms"),
};
const folder = mkdtempSync(join(process.cwd(), ".soak-"));
const WANTED = 1000 / times.checkpointEveryMs;
try {
  await buildComponents(BINARIES.map(componentNamed));
  const report = await soak({ ...times, folder, progress: (reading) => console.log(JSON.stringify(reading)) });
  console.log(`nothing may grow beyond ${JSON.stringify(SOAK_BOUNDS)} more than at the third reading`);
  const held = rateOf(report) >= HELD * WANTED;
  console.log(summary(report, held));
  if (!held && (values.rate || minutes >= WHOLE_MINUTES)) process.exitCode = 1;
} catch (thrown) {
  console.error(`soak: failed: ${(thrown as Error).message}`);
  process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** Checkpoints a second. */
function rateOf({ checkpoints, elapsedMs }: SoakReport): number {
  return checkpoints / (elapsedMs / 1000);
}

/** Lost or doubled values and broken bounds have thrown by now. */
function summary(report: SoakReport, held: boolean): string {
  const { checkpoints, elapsedMs, strategies, readings, lines } = report;
  const all = lines.values().reduce((sum, count) => sum + count, 0);
  const bounds = readings.length > 3 ? "bounds held" : `bounds not tried (${readings.length} restores, 4 are needed)`;
  const load = loadavg().map((value) => value.toFixed(1));
  const rate = `${rateOf(report).toFixed(2)} checkpoints/s of ${WANTED}`;
  return `soak: ${held ? "rate held" : "RATE NOT HELD"}: ${rate}; ${checkpoints} checkpoints, ${strategies.length} restores in ${(elapsedMs / 60_000).toFixed(1)} min; ${all} lines, 0 lost, 0 doubled; ${bounds}; load ${load.join(" ")}`;
}
