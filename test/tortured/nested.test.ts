// Inits with their children, under torture: three deep, and fifty components.
import { NESTED } from "./systems.ts";
import { tortureEach } from "./tortured.ts";

tortureEach(NESTED, { rows: "S53, S88, S97", points: 6, seed: 6 });
