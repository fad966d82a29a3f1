// Systems under torture whose checkpoints come from redundant memory (S109), one in four restored from: each is the same as a
// full checkpoint of the moment, and stays it while the children go on.
import { ADVERSARIAL } from "./adversarial.ts";
import { spread, toTheEnd, widened } from "./spread.ts";
import { COUNTERS, FURTHER, NESTED, OLDER, SERVED, TALKING, type TorturedSystem, WORKERS } from "./systems.ts";
import { tortureEach } from "./tortured.ts";

const picked = (from: Readonly<Record<string, TorturedSystem>>, ...names: readonly string[]) =>
  Object.fromEntries(names.map((name) => [name, from[name]!]));

const COMMON = { rows: "S97, S109", points: 12, increments: 3, redundant: true } as const;
tortureEach({ ...picked(OLDER, "rtcr_redmem"), ...picked(COUNTERS, "large_stack_counter") }, { ...COMMON, seed: 109 });
tortureEach(
  {
    ...picked(TALKING, "client and server in AssemblyScript"),
    ...picked(FURTHER, "rs-counter", "smoke"),
    ...picked(SERVED, "WASI programs with files of a component in C++"),
  },
  { ...COMMON, seed: 110, strategies: ["direct"] },
);
tortureEach(picked(NESTED, "fifty components in five inits"), {
  ...COMMON,
  points: 4,
  seed: 111,
  strategies: ["direct"],
});
tortureEach(picked(ADVERSARIAL, "capabilities", "faults", "threads", "modules", "memories beside the first"), {
  ...COMMON,
  ...{ points: 8, seed: 112, strategies: ["bootstrap"], inPlace: true },
});

/** What has windows has no mirror. */
const withoutWindows = ({ children, ...system }: TorturedSystem): TorturedSystem => ({
  ...system,
  children: children.replaceAll(' windows="yes"', ""),
});

for (const [cpus, strategy] of [
  [2, "direct"],
  [3, "bootstrap"],
] as const) {
  const on = (name: string) => `${name}, on ${cpus} CPUs`;
  const systems = {
    [on("sheep_counter_threaded")]: spread(OLDER["sheep_counter_threaded"]!, cpus),
    [on("client and server")]: spread(withoutWindows(toTheEnd(TALKING["client and server"]!)), cpus),
    [on("workers in C")]: widened(WORKERS, cpus),
    [on("threads of thread-spawn")]: widened(ADVERSARIAL["threads of thread-spawn"]!, cpus),
  };
  tortureEach(systems, {
    ...COMMON,
    ...{ rows: "S24, S28, S97, S109", points: 5, increments: 2, seed: 112 + cpus, strategies: [strategy], cpus },
  });
}
