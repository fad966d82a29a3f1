// The older programs of spec 5.1, under torture.
import { OLDER } from "./systems.ts";
import { tortureEach } from "./tortured.ts";

tortureEach(OLDER, { rows: "S88, S97, S116", points: 6, seed: 2 });
