// RTCR's CPU sessions pass the suite that core's pass: a component cannot tell them apart (S24-S30).
import { CPU_PROGRAM_TEXT, type CpuFixture, cpuSessionSuite } from "../../test/contracts/cpu-session.ts";
import { logged } from "../../test/support/guest-code.ts";
import { TestSystem } from "../../test/support/kernel-system.ts";
import { CoreCpuSession } from "../core/cpu/index.ts";
import { CPU_QUOTA_SCALE, type SignalContext } from "../session/index.ts";
import { RtcrCpu } from "./cpu.ts";
import { RtcrPd } from "./pd.ts";
import { ChildContext } from "./tracked.ts";

cpuSessionSuite("interposed", (): CpuFixture => {
  let now = 0;
  const system = new TestSystem({ now: () => (now += 10) }); // one slice between two turns of the event loop
  let shortly = false;
  system.kernel.everyPoint = true;
  system.kernel.atPoint = () => shortly;
  const { component, cpu, pd } = system.component("a", CPU_PROGRAM_TEXT);
  const { kernel, core } = system;
  const context = new ChildContext(core.badges);
  const ours = new RtcrCpu(context, { id: 2, args: "", real: cpu.capability });
  const another = () => {
    const real = new CoreCpuSession(kernel, { badges: core.badges, label: "another", quota: CPU_QUOTA_SCALE / 2 });
    return new RtcrCpu(context, { id: 3, args: "", real: real.capability }).base.capability;
  };
  return {
    cpu: ours.base.capability,
    pd: new RtcrPd(context, { id: 1, args: "", real: pd.capability }).base.capability,
    another,
    run: () => system.rest(),
    runShortly: async () => {
      shortly = true;
      await new Promise((resolve) => setImmediate(resolve));
      shortly = false;
    },
    wake: () => void component.waits.futexWake(64, 0xffff),
    context: () => {
      let count = 0;
      const submit = (more: number) => {
        count += more;
      };
      const capability = system.capability<SignalContext>({ kind: "signal-context", pending: 0, submit });
      return { capability, count: () => count };
    },
    logged: () => logged(system, "a"),
    close: () => system.close(),
  };
});
