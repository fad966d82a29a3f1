// Core's PD and RM sessions and region maps pass the suites that every implementation must pass.
import { ok } from "node:assert/strict";
import { pdSessionSuite } from "../../../test/contracts/pd-session.ts";
import { regionMapSuite } from "../../../test/contracts/region-map.ts";
import { rmSessionSuite } from "../../../test/contracts/rm-session.ts";
import { Pool, Windows } from "../../engine/index.ts";
import { type Capability, DONATION, type PdSession } from "../../session/index.ts";
import { createDataspace } from "../memory/dataspace.ts";
import { type CoreContext, createCoreContext, PlainMemory } from "../memory/index.ts";
import { type CorePd, createPd, createRm, createRootPd } from "./index.ts";

function system() {
  const warnings: string[] = [];
  const core = createCoreContext({ warn: (message) => warnings.push(message) });
  const root = createRootPd(core, { label: "core", donation: { ram: 2 ** 30, caps: 10_000 } });
  return { core, root, warnings };
}

function child(core: CoreContext, reference?: CorePd, ram = 2 << 20, caps = 400): CorePd {
  const made = createPd(core, { label: "child", donation: DONATION.PD });
  ok(made.ok);
  if (!reference) return made.value;
  ok(made.value.refAccount(reference.capability).ok);
  ok(reference.transferRamQuota(made.value.capability, ram).ok);
  ok(reference.transferCapQuota(made.value.capability, caps).ok);
  return made.value;
}

pdSessionSuite("core", () => {
  const { core, root } = system();
  const creator = child(core, root, 32 << 20, 4000);
  return {
    pd: child(core, creator).capability,
    creator: creator.capability,
    another: () => child(core).capability,
    destroy: (pd: Capability<PdSession>) => void (pd.object as CorePd).destroy(),
  };
});

/** A PD for dataspaces and an RM session for maps. */
function mapsOf(core: CoreContext, root: CorePd) {
  const pd = child(core, root, 64 << 20, 1000);
  const made = createRm(core, { label: "rm", donation: { ram: 1 << 20, caps: 100 } });
  ok(made.ok);
  const rm = made.value;
  const create = (size: number) => {
    const map = rm.create(size);
    ok(map.ok);
    return map.value;
  };
  const rom = createDataspace(core, { origin: "rom", size: 8192, content: Uint8Array.of(1, 2, 3) })!;
  const destroy = (map: ReturnType<typeof create>) => rm.destroy(map);
  return { pd, fixture: { pd: pd.capability, create, destroy, rom: rom.capability } };
}

regionMapSuite("map of an RM session", () => {
  const { core, root } = system();
  const { fixture } = mapsOf(core, root);
  return { ...fixture, map: fixture.create(1 << 20) };
});

regionMapSuite("stack area of a component with windows", () => {
  const { core, root } = system();
  const { pd, fixture } = mapsOf(core, root);
  ok(pd.addressSpaceMap.attachFree(pd.stackArea().object!.dataspace(), { address: 1 << 28 }).ok);
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 65_536 });
  ok(pd.addressSpaceMap.bind(new PlainMemory(memory, new Windows(new Pool()))) === undefined);
  return { ...fixture, map: pd.stackArea() };
});

rmSessionSuite("core", () => {
  const { core, root, warnings } = system();
  const made = createRm(core, { label: "rm", donation: DONATION.RM });
  ok(made.ok);
  return {
    rm: made.value.capability,
    upgrade: (quota) => made.value.upgrade(quota),
    close: () => made.value.dispose(),
    pd: child(core, root).capability,
    warnings: () => warnings.length,
  };
});
