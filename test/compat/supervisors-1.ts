// A made-up supervisor among the children, which keeps a checkpoint of its own, and a client of files that another child
// serves, as the kept image of those (supervisors-1.json) has it. Never changed; see compat.test.ts.
import { type SystemCheckpoint, toCheckpoint } from "../../src/checkpoint/index.ts";
import { streams1 } from "./streams-1.ts";
import { system1 } from "./system-1.ts";

const [supervisor, client] = system1.children;
const [files] = streams1.children[0]!.fileSystems!;

export const supervisors1: SystemCheckpoint = {
  ...system1,
  children: [
    {
      ...supervisor!,
      ...{ native: "rtcr", servedBadges: [] },
      pd: {
        ...supervisor!.pd,
        instance: {
          ...{ state: "running", signals: { source: 0, next: 1, handlers: [] } },
          program: {
            rtcr: { version: 1, program: { version: 1, children: [], exitsRestored: [] } },
            kept: [{ name: "earlier", checkpoint: toCheckpoint(system1) as never }],
            reporter: { session: 0, opened: false, waiting: "" },
          },
        },
      },
    },
    { ...client!, fileSystems: [{ ...files!, state: null }] },
  ],
};
