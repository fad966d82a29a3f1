// Systems under torture whose checkpoints are increments (S108), one in four restored from: each is the same as a full
// checkpoint of the moment, and stays it while the children go on.
import { ADVERSARIAL } from "./adversarial.ts";
import { COUNTERS, NESTED, SERVED, TALKING, type TorturedSystem } from "./systems.ts";
import { tortureEach } from "./tortured.ts";

const picked = (from: Readonly<Record<string, TorturedSystem>>, ...names: readonly string[]) =>
  Object.fromEntries(names.map((name) => [name, from[name]!]));

const COMMON = { rows: "S97, S108", points: 12, increments: 3 } as const;
tortureEach(picked(COUNTERS, "large_dataspaces", "large_stack_counter"), { ...COMMON, seed: 108 });
tortureEach(
  {
    ...picked(TALKING, "client and server"),
    ...picked(NESTED, "fifty components in five inits"),
    ...picked(SERVED, "WASI programs with files of a sibling"),
  },
  { ...COMMON, seed: 109, strategies: ["direct"] },
);
tortureEach(
  picked(
    ADVERSARIAL,
    "capabilities",
    "faults",
    "threads",
    "modules",
    "memories beside the first",
    "an init that is managed",
  ),
  { ...COMMON, points: 8, seed: 110, strategies: ["bootstrap"], inPlace: true },
);
