// A thread to which a bootstrap gave more than was recorded.
import { deepEqual, equal, ok } from "node:assert/strict";
import { test } from "node:test";
import { CPU_PROGRAM } from "../../test/contracts/cpu-session.ts";
import { cpuFixture } from "../../test/support/cpu-fixture.ts";
import type { ThreadInfo } from "../checkpoint/index.ts";
import { INVALID } from "../session/index.ts";
import { required } from "../util/index.ts";
import { RtcrCpu } from "./cpu.ts";
import { EVERYWHERE, RtcrCpuThread } from "./cpu-thread.ts";
import { RtcrPd } from "./pd.ts";
import { ChildContext } from "./tracked.ts";

/** Of a thread that had no handler of its own, ran freely, and was not started. */
const RECORDED: ThreadInfo = {
  ...{ badge: 1, allocated: 1, bootstrapped: true, nativeBadge: 2, pdBadge: 3, name: "t", weight: 10, utcb: 0 },
  ...{ started: false, paused: false, singleStep: false, affinity: EVERYWHERE },
  ...{ faultHandlerBadge: 0, stackPointer: 0, state: null },
};

test("S27, S28, S68: a handler and a single step that a bootstrap has set, and that were not recorded, are gone", async () => {
  const fixture = cpuFixture(({ core }) => {
    const context = new ChildContext(core.badges);
    return {
      cpu: (real) => new RtcrCpu(context, { id: 1, args: "", real }).base.capability,
      pd: (real) => new RtcrPd(context, { id: 2, args: "", real }).base.capability,
    };
  });
  const [own, common] = [fixture.context(), fixture.context()];
  const session = required(fixture.cpu.object, "a CPU session");
  session.exceptionSigh(common.capability);
  const make = (name: string) => {
    const made = session.createThread(fixture.pd, { name });
    ok(made.ok && made.value.object instanceof RtcrCpuThread);
    made.value.object.exceptionSigh(own.capability);
    made.value.object.singleStep(true);
    return made.value.object;
  };
  const [trapping, looping] = [make("traps"), make("loops")];
  for (const thread of [trapping, looping]) ok(thread.restore(RECORDED, INVALID, new Map()).ok);
  looping.start(CPU_PROGRAM.loops, 65_536);
  await fixture.run();
  deepEqual(fixture.logged(), [1000]);
  trapping.start(CPU_PROGRAM.traps, 65_536 - 4096);
  await fixture.run();
  equal(common.count(), 1);
  equal(own.count(), 0);
  fixture.close();
});
