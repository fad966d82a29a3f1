// Core's CPU sessions under the common suite.
import { CPU_PROGRAM_TEXT, type CpuFixture, cpuSessionSuite } from "../../../test/contracts/cpu-session.ts";
import { logged } from "../../../test/support/guest-code.ts";
import { TestSystem } from "../../../test/support/kernel-system.ts";
import type { SignalContext } from "../../session/index.ts";
import { CPU_QUOTA_SCALE } from "../../session/index.ts";
import { CoreCpuSession } from "./session.ts";

cpuSessionSuite("core", (): CpuFixture => {
  let now = 0;
  const system = new TestSystem({ now: () => (now += 10) }); // one slice between two turns of the event loop
  let shortly = false;
  system.kernel.everyPoint = true;
  system.kernel.atPoint = () => shortly;
  const { component, cpu, pd } = system.component("a", CPU_PROGRAM_TEXT);
  const { kernel, core } = system;
  return {
    cpu: cpu.capability,
    pd: pd.capability,
    another: () =>
      new CoreCpuSession(kernel, { badges: core.badges, label: "another", quota: CPU_QUOTA_SCALE / 2 }).capability,
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
