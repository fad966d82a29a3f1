// The five programs of the thesis and their twins, under torture.
import { COUNTERS } from "./systems.ts";
import { tortureEach } from "./tortured.ts";

tortureEach(COUNTERS, { rows: "S88, S97, S116", points: 6, seed: 1 });
