// Supervisors among the children of a supervisor, under torture.
import { SUPERVISORS } from "./systems.ts";
import { tortureEach } from "./tortured.ts";

tortureEach(SUPERVISORS, { rows: "S53, S88, S93-S97", points: 8, seed: 7 });
