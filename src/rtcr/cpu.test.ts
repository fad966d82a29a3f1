// RTCR's CPU sessions pass the suite that core's pass: a component cannot tell them apart (S24-S30).
import { cpuSessionSuite } from "../../test/contracts/cpu-session.ts";
import { cpuFixture } from "../../test/support/cpu-fixture.ts";
import { RtcrCpu } from "./cpu.ts";
import { RtcrPd } from "./pd.ts";
import { ChildContext } from "./tracked.ts";

cpuSessionSuite("interposed", () =>
  cpuFixture(({ core }) => {
    const context = new ChildContext(core.badges);
    let id = 0;
    return {
      cpu: (real) => new RtcrCpu(context, { id: ++id, args: "", real }).base.capability,
      pd: (real) => new RtcrPd(context, { id: ++id, args: "", real }).base.capability,
    };
  }),
);
