// Every program of apps/ in a tree, with files, sleeps, traps and exits, under torture.
import { PROGRAMS } from "./systems.ts";
import { tortureEach } from "./tortured.ts";

tortureEach(PROGRAMS, { rows: "S88, S97", points: 12, seed: 7 });
