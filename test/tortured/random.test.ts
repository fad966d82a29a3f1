// Random systems under torture (random-systems.ts): by A and B in turn, every third in place.
//
// RTCR_SEED and RTCR_SYSTEMS repeat or widen a run.
import { STRATEGIES } from "../../src/rtcr/index.ts";
import { seedOr } from "../random.ts";
import { randomSystem } from "./random-systems.ts";
import { tortureEach } from "./tortured.ts";

const FIRST = seedOr(1);
const SYSTEMS = Number(process.env["RTCR_SYSTEMS"] ?? 8);
if (!Number.isSafeInteger(SYSTEMS) || SYSTEMS < 1)
  throw new Error(`RTCR_SYSTEMS is ${process.env["RTCR_SYSTEMS"]}, expected a whole number of at least 1`);

for (let seed = FIRST; seed < FIRST + SYSTEMS; seed++) {
  tortureEach(
    { [`random system ${seed}`]: randomSystem(seed) },
    {
      ...{ rows: "S53, S88, S93-S97", points: 8, seed, inPlace: seed % 3 === 0 },
      strategies: [STRATEGIES[seed % STRATEGIES.length]!],
    },
  );
}
