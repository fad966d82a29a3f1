// One event of each kind at each phase (phases.test.ts) for a child on a further CPU.
import { Scene } from "./phases.ts";

Scene.cpus = 2;

await import("./phases.test.ts");
