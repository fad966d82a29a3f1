// Components that talk to each other, under torture: all lines in their order, numbers that depend on how they interleave included.
import { TALKING } from "./systems.ts";
import { tortureEach } from "./tortured.ts";

tortureEach(TALKING, { rows: "S88, S97, S122", points: 12, seed: 5 });
