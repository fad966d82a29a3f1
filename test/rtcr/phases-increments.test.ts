// One event of each kind at each phase (phases.test.ts) under a supervisor whose checkpoints are increments.
import { IncrementalContents } from "../../src/rtcr/index.ts";
import { Scene } from "./phases.ts";

Scene.module = () => {
  const contents = new IncrementalContents();
  return { keeper: () => contents, marks: () => true };
};

await import("./phases.test.ts");
