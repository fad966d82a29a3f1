// A system with one component that runs the program of the CPU suite: the fixture of core's sessions, and of those that
// an interposer puts before them.
import { CoreCpuSession } from "../../src/core/cpu/index.ts";
import {
  type Capability,
  CPU_QUOTA_SCALE,
  type CpuSession,
  type PdSession,
  type SignalContext,
} from "../../src/session/index.ts";
import { CPU_PROGRAM_TEXT, type CpuFixture } from "../contracts/cpu-session.ts";
import { logged } from "./guest-code.ts";
import { TestSystem } from "./kernel-system.ts";

/** The sessions that a suite is given in place of core's. */
export interface SeenAs {
  cpu(real: Capability<CpuSession>): Capability<CpuSession>;
  pd(real: Capability<PdSession>): Capability<PdSession>;
}

/** `seenAs` is asked once for every fixture; without it the suite gets core's sessions themselves. */
export function cpuFixture(seenAs: (system: TestSystem) => SeenAs = itself): CpuFixture {
  let now = 0;
  const system = new TestSystem({ now: () => (now += 10) }); // one slice between two turns of the event loop
  let shortly = false;
  system.kernel.everyPoint = true;
  system.kernel.atPoint = () => shortly;
  const { component, cpu, pd } = system.component("a", CPU_PROGRAM_TEXT);
  const { kernel, core } = system;
  const seen = seenAs(system);
  return {
    cpu: seen.cpu(cpu.capability),
    pd: seen.pd(pd.capability),
    another: () => {
      const real = new CoreCpuSession(kernel, { badges: core.badges, label: "another", quota: CPU_QUOTA_SCALE / 2 });
      return seen.cpu(real.capability);
    },
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
}

function itself(): SeenAs {
  return { cpu: (real) => real, pd: (real) => real };
}
