// Marked components on several CPUs, threads of one component among them, and random systems.
//
// RTCR_SEED and RTCR_SYSTEMS repeat or widen a run of random systems.
import { seedOr } from "../random.ts";
import { ADVERSARIAL } from "./adversarial.ts";
import { watchEach } from "./marked.ts";
import { randomSystem } from "./random-systems.ts";
import { spread } from "./spread.ts";
import { node, OLDER, TALKING, type TorturedSystem } from "./systems.ts";
import { SPAWNING } from "./wasi-modules.ts";

const CPUS = 3;
const FIRST = seedOr(1);
const SYSTEMS = Number(process.env["RTCR_SYSTEMS"] ?? 6);

watchEach(ADVERSARIAL, 150);
/** Its threads are on all CPUs. */
const THREADS: TorturedSystem = {
  programs: [],
  modules: { spawning: SPAWNING },
  children: `<affinity-space width="${CPUS}"/>${node("spawning", `<affinity xpos="0" width="${CPUS}"/><config/>`)}`,
};
watchEach({ "threads of thread-spawn": THREADS }, 200, CPUS);
for (const name of ["sheep_counter_threaded", "stress_rm", "fault_handler"])
  watchEach({ [name]: spread(OLDER[name]!, CPUS) }, 100, CPUS);
for (const name of ["client and server", "adder", "key-value server with two loads"])
  watchEach({ [name]: spread(TALKING[name]!, CPUS) }, 150, CPUS);

for (let seed = FIRST; seed < FIRST + SYSTEMS; seed++) {
  watchEach({ [`random system ${seed}`]: randomSystem(seed) }, 120);
  watchEach({ [`random system ${seed}`]: spread(randomSystem(seed), CPUS) }, 60, CPUS);
}
