// Components that later tests have added, under torture.
import { FURTHER } from "./systems.ts";
import { tortureEach } from "./tortured.ts";

tortureEach(FURTHER, { rows: "S88, S97", points: 6, seed: 3 });
