// RTCR's interposers pass the suites that core's sessions pass: a component cannot tell them apart (S7-S33, S37-S47). Those
// of the smaller services are in services.test.ts.
import { ok } from "node:assert/strict";
import { type SessionFixtures, sessionSuite } from "../../test/contracts/index.ts";
import { config, start, startSystem } from "../../test/support/core-system.ts";
import { cpuFixture } from "../../test/support/cpu-fixture.ts";
import { type CorePd, createCoreContext, createDataspace, createPd, createRm, createRootPd } from "../core/index.ts";
import { type Capability, DONATION, type Env, type PdSession } from "../session/index.ts";
import { required } from "../util/index.ts";
import { rtcrProgram } from "./component.ts";
import { RtcrCpu } from "./cpu.ts";
import { RtcrParent } from "./parent.ts";
import { RtcrPd } from "./pd.ts";
import { RtcrRm } from "./rm.ts";
import { ChildContext } from "./tracked.ts";

/** PDs of core behind interposers of one child. */
function system() {
  const warnings: string[] = [];
  const core = createCoreContext({ warn: (message) => warnings.push(message) });
  const context = new ChildContext(core.badges);
  const root = createRootPd(core, { label: "core", donation: { ram: 2 ** 30, caps: 10_000 } });
  const behind = new Map<Capability<PdSession>, { ours: RtcrPd; real: CorePd }>();
  const pd = (reference?: CorePd, ram = 2 << 20, caps = 400) => {
    const made = createPd(core, { label: "child", donation: DONATION.PD });
    ok(made.ok);
    const real = made.value;
    const ours = new RtcrPd(context, { id: 1, args: "", real: real.capability });
    behind.set(ours.base.capability, { ours, real });
    if (reference) {
      ok(real.refAccount(reference.capability).ok);
      ok(reference.transferRamQuota(real.capability, ram).ok && reference.transferCapQuota(real.capability, caps).ok);
    }
    return { capability: ours.base.capability, real };
  };
  const destroy = (capability: Capability<PdSession>) => {
    const { ours, real } = behind.get(capability)!;
    real.destroy();
    ours.dispose();
  };
  const rm = (donation: { ram: number; caps: number }) => {
    const made = createRm(core, { label: "rm", donation });
    ok(made.ok);
    const ours = new RtcrRm(context, { id: 2, args: "", real: made.value.capability });
    return { real: made.value, ours };
  };
  return { core, root, pd, rm, destroy, warnings };
}

const pd: SessionFixtures["pd"] = () => {
  const { root, pd, destroy } = system();
  const creator = pd(root, 32 << 20, 4000);
  return {
    pd: pd(creator.real).capability,
    creator: creator.capability,
    another: () => pd().capability,
    destroy,
  };
};

const regionMap: SessionFixtures["regionMap"] = () => {
  const { core, root, pd, rm } = system();
  const { ours } = rm({ ram: 1 << 20, caps: 100 });
  const create = (size: number) => {
    const map = ours.create(size);
    ok(map.ok);
    return map.value;
  };
  const rom = createDataspace(core, { origin: "rom", size: 8192, content: Uint8Array.of(1, 2, 3) })!;
  return {
    map: create(1 << 20),
    pd: pd(root, 64 << 20, 1000).capability,
    create,
    destroy: (map) => ours.destroy(map),
    rom: rom.capability,
  };
};

const rm: SessionFixtures["rm"] = () => {
  const { root, pd, rm, warnings } = system();
  const { ours, real } = rm(DONATION.RM);
  return {
    rm: ours.base.capability,
    upgrade: (quota) => real.upgrade(quota),
    close: () => {
      real.dispose();
      ours.dispose();
    },
    pd: pd(root).capability,
    warnings: () => warnings.length,
  };
};

const cpu: SessionFixtures["cpu"] = () =>
  cpuFixture(({ core }) => {
    const context = new ChildContext(core.badges);
    let id = 0;
    return {
      cpu: (real) => new RtcrCpu(context, { id: ++id, args: "", real }).base.capability,
      pd: (real) => new RtcrPd(context, { id: ++id, args: "", real }).base.capability,
    };
  });

/** The parent as a child of a supervisor sees it. */
const parent: SessionFixtures["parent"] = () => {
  let env: Env | undefined;
  const probe = (given: Env) => {
    env = given;
    return { dispose: () => {} };
  };
  const host = { begin: () => ({}), began: () => {}, ended: () => {} };
  const tree = startSystem({
    config: config(start("rtcr", config(start("probe")), 'caps="2000" ram="40M"')),
    natives: { rtcr: rtcrProgram(host), probe },
  });
  const { parent, pd, signalHandler } = required(env, "the probe's environment");
  const session = required(parent.object, "a parent");
  ok(session instanceof RtcrParent && pd.object instanceof RtcrPd, "RTCR stands in front of both");
  return {
    ...{ parent: session, pd, module: "probe", settle: tree.settle, close: tree.close },
    context: () => {
      let count = 0;
      const { context } = signalHandler.call(env, () => count++);
      return { context, count: () => count };
    },
  };
};

sessionSuite("interposed", { pd, regionMap, rm, cpu, parent });
