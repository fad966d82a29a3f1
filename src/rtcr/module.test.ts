// What a module is told of the places of a dataspace (S112).
import { deepEqual, equal, ok } from "node:assert/strict";
import { test } from "node:test";
import { createCoreContext, createPd, createRootPd } from "../core/index.ts";
import { DONATION, objectOf, type RegionMap } from "../session/index.ts";
import type { Attempt } from "../util/index.ts";
import { type DataspacePlace, ModuleDataspaces } from "./module.ts";
import { RtcrPd } from "./pd.ts";
import { ChildContext, Fronts } from "./tracked.ts";

function value<T>(attempt: Attempt<T, string>): T {
  ok(attempt.ok);
  return attempt.value;
}

/** A PD whose module keeps the places of a dataspace. */
function system() {
  const core = createCoreContext({ warn: () => {} });
  const root = createRootPd(core, { label: "core", donation: { ram: 2 ** 30, caps: 10_000 } });
  const real = value(createPd(core, { label: "child", donation: DONATION.PD }));
  ok(real.refAccount(root.capability).ok && root.transferRamQuota(real.capability, 2 ** 20).ok);
  ok(root.transferCapQuota(real.capability, 100).ok);
  const all: Map<number, DataspacePlace>[] = [];
  const module = new ModuleDataspaces<Map<number, DataspacePlace>>({
    allocated: () => {
      all.push(new Map());
      return all.at(-1)!;
    },
    attached: (places, place) => void places.set(place.address, place),
    detached: (places, place) => {
      deepEqual(places.get(place.address), place);
      places.delete(place.address);
    },
  });
  const context = new ChildContext(core.badges, new Fronts(), module);
  const pd = new RtcrPd(context, { id: 1, args: "", real: real.capability });
  return { pd, map: objectOf<RegionMap>(pd.addressSpace(), "region-map")!, places: (at: number) => all[at]! };
}

test("S112: a module is told of attachments that end: nothing is left of 1,000", () => {
  const { pd, map, places } = system();
  const dataspace = value(pd.alloc(8192));
  for (let time = 0; time < 1000; time++) {
    map.detach(value(map.attach(dataspace)));
    equal(places(0).size, 0, `time ${time}`);
  }
  value(map.attach(dataspace, { offset: 4096, size: 4096 }));
  deepEqual(
    [...places(0).values()].map(({ size, offset }) => ({ size, offset })),
    [{ size: 4096, offset: 4096 }],
  );
});
