// Region maps and threads that components make by sessions that others pass on, under torture.
import { ALL, CPU_THREADS, PDS, REGION_MAPS, WITHIN } from "./passed-on.ts";
import { spread } from "./spread.ts";
import { tortureEach } from "./tortured.ts";

const rows = "S62, S64, S88, S96";
const CPUS = 3;
tortureEach(REGION_MAPS, { rows, points: 4, seed: 31 });
tortureEach(CPU_THREADS, { rows, points: 4, seed: 32 });
tortureEach(PDS, { rows, points: 4, seed: 37 });
tortureEach(WITHIN, { rows, points: 4, seed: 33 });
tortureEach({ "all that is passed on": ALL }, { rows, points: 2, seed: 34, freshProcess: true });
tortureEach({ "all that is passed on": ALL }, { rows, points: 4, seed: 35, inPlace: true });
const { "components whose PDs and threads others pass on": both } = PDS;
tortureEach({ "PDs and threads that are passed on": both }, { rows, points: 2, seed: 38, freshProcess: true });
tortureEach({ "PDs and threads that are passed on": both }, { rows, points: 4, seed: 37, inPlace: true });
// Which client comes when is nobody's promise.
const rules = ["--ignore", "^((CPU|PD) )?session .*"];
for (const [name, system] of Object.entries({
  "all that is passed on": ALL,
  "PDs and threads that are passed on": both,
})) {
  const spreadOut = { ...spread(system, CPUS), rules };
  tortureEach({ [`${name}, on three CPUs`]: spreadOut }, { rows, points: 3, seed: 36, cpus: CPUS });
}
