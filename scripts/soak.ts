// `npm run soak [-- --minutes N]`: the long run of bench/soak/soak.ts, ten minutes unless told otherwise.
import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { SOAK_BOUNDS, soak } from "../bench/soak/soak.ts";

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
  const { readings, strategies } = await soak({
    ...times,
    folder,
    progress: (reading) => console.log(JSON.stringify(reading)),
  });
  const last = readings.at(-1);
  console.log(
    `${strategies.length} restores, ${last?.checkpoints} checkpoints, ${last?.lines} lines: none lost, none doubled`,
  );
  console.log(`nothing has grown beyond ${JSON.stringify(SOAK_BOUNDS)}`);
} catch (thrown) {
  console.error(`error: ${(thrown as Error).message}`);
  process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
