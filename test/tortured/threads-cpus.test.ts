// Programs whose threads are on several CPUs at once, under torture. They are of WASI, so both strategies recreate them directly.
import { ADVERSARIAL } from "./adversarial.ts";
import { widened } from "./spread.ts";
import { WORKERS } from "./systems.ts";
import { tortureEach } from "./tortured.ts";

const SPAWNING = ADVERSARIAL["threads of thread-spawn"]!;
const systems = (cpus: number) => ({
  [`workers in C on ${cpus} CPUs`]: widened(WORKERS, cpus),
  [`threads of thread-spawn on ${cpus} CPUs`]: widened(SPAWNING, cpus),
});
for (const [cpus, strategy] of [
  [2, "direct"],
  [3, "bootstrap"],
] as const) {
  tortureEach(systems(cpus), { rows: "S24, S28, S88, S97", points: 5, seed: cpus, cpus, strategies: [strategy] });
}

// A full checkpoint and an increment of the same point: nothing runs between them, on whatever CPU.
tortureEach(
  { "increments of workers in C on 3 CPUs": widened(WORKERS, 3) },
  { rows: "S24, S28, S97, S108", points: 6, increments: 1, seed: 108, cpus: 3, strategies: ["direct"] },
);
