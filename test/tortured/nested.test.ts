// Inits with their children, under torture: three deep, fifty components, and programs of WASI, also with files of a sibling.
import { KEPT, NESTED, SERVED } from "./systems.ts";
import { tortureEach } from "./tortured.ts";

tortureEach(NESTED, { rows: "S53, S88, S97", points: 6, seed: 6 });
tortureEach(KEPT, { rows: "S88, S93-S97", points: 12, seed: 4 });
tortureEach(KEPT, { rows: "S88, S96, S97", points: 6, seed: 5, inPlace: true });
tortureEach(SERVED, { rows: "S64, S88, S93-S97", points: 12, seed: 9 });
tortureEach(SERVED, { rows: "S64, S88, S96, S97", points: 6, seed: 10, inPlace: true });
