// Restores that stand by before they go on, under torture: programs of all kinds, several children, inner supervisors and
// components that a child keeps, on one CPU and on three, in fresh systems, in place and in fresh processes.
import { ADVERSARIAL } from "./adversarial.ts";
import { spread } from "./spread.ts";
import { COUNTERS, KEPT, NESTED, OLDER, SERVED, SUPERVISORS, TALKING, type TorturedSystem } from "./systems.ts";
import { tortureEach } from "./tortured.ts";

type Systems = Readonly<Record<string, TorturedSystem>>;

const picked = (from: Systems, ...names: readonly string[]): Systems =>
  Object.fromEntries(names.map((name) => [name, from[name]!]));

const COMMON = { rows: "S91, S97", standby: true } as const;
tortureEach(picked(COUNTERS, "large_dataspaces", "large_stack_counter"), { ...COMMON, points: 8, seed: 91 });
tortureEach(
  { ...picked(OLDER, "sheep_counter_threaded", "managed_dataspace"), ...picked(TALKING, "client and server") },
  { ...COMMON, points: 6, seed: 92 },
);
tortureEach(
  { ...SUPERVISORS, ...KEPT, ...picked(SERVED, "WASI programs with files of a sibling") },
  { ...COMMON, points: 5, seed: 93 },
);
tortureEach(picked(ADVERSARIAL, "memories beside the first", "faults"), {
  ...{ ...COMMON, points: 5, seed: 94, inPlace: true },
});
tortureEach(picked(COUNTERS, "sheep_counter"), {
  ...{ ...COMMON, points: 3, seed: 95, strategies: ["direct"], freshProcess: true },
});

const CPUS = 3;
const onCpus = (systems: Systems): Systems =>
  Object.fromEntries(Object.entries(systems).map(([name, system]) => [name, spread(system, CPUS)]));
tortureEach(onCpus(picked(OLDER, "sheep_counter_threaded")), { ...COMMON, points: 4, seed: 96, cpus: CPUS });
tortureEach(onCpus(picked(NESTED, "fifty components in five inits")), {
  ...{ ...COMMON, points: 4, seed: 96, strategies: ["bootstrap"], cpus: CPUS },
});
