// Components whose memory is of every kind are captured, thrown away and made anew at every n-th turn of threads: data,
// private, grown, shared, nested and detached memory hold what they would have held (S8, S18, S19).
import { deepEqual, equal, ok } from "node:assert/strict";
import { test } from "node:test";
import { deserialize, serialize } from "node:v8";
import { TestSystem } from "../../../test/support/kernel-system.ts";
import type { SavedGroup } from "../../abi/index.ts";
import { PAGE_BYTES } from "../../session/index.ts";
import { createRm } from "../pd/index.ts";

const DATA = 0x8000;
const GROWN = 0x2_0000;
const PRIVATE = 0x2000_0000;
const SHARED = 0x4000_0000;
const NESTED = 0x5000_0000;
const ALL = [DATA, GROWN, PRIVATE, SHARED, NESTED] as const;
/** Memory of which nothing is attached any more, in a component without windows. */
const DETACHED = [DATA, PRIVATE];

/** Mixes words of all areas, 40 turns; in shared ones it keeps to its own 1 KiB. Logs the sum. */
function mixer(areas: readonly number[], own: number): string {
  const at = (area: number, turn: string) => {
    const base = area === SHARED || area === NESTED ? area + own * 1024 : area;
    return `(i32.add (i32.const ${base}) (i32.and (i32.mul ${turn} (i32.const 52)) (i32.const 0x3fc)))`;
  };
  const i = "(local.get $i)";
  const store = (area: number) =>
    `(i32.store ${at(area, i)} (i32.add (local.get $sum) (i32.load ${at(area, `(i32.add ${i} (i32.const 3))`)})))`;
  const load = (area: number) =>
    `(local.set $sum (i32.add (i32.mul (local.get $sum) (i32.const 31)) (i32.load ${at(area, `(i32.mul ${i} (i32.const 7))`)})))`;
  return `(func (export "rtcr_component_start") (local $i i32) (local $sum i32)
    ${areas.includes(GROWN) ? "(if (i32.ne (memory.grow (i32.const 1)) (i32.const 2)) (then (unreachable)))" : ""}
    (loop $next
      (local.set $sum (i32.add (local.get $sum) (i32.const ${own + 1})))
      ${areas.map(store).join("\n")}
      ${areas.map(load).join("\n")}
      (call $yield)
      (br_if $next (i32.lt_u (local.tee $i (i32.add ${i} (i32.const 1))) (i32.const 40))))
    (call $log (i32.const 2048) (local.get $sum)))`;
}

interface Outcome {
  readonly lines: readonly string[];
  /** Of the shared and the nested page. */
  readonly bytes: readonly Uint8Array[];
  readonly recreations: number;
}

async function run(every: number): Promise<Outcome> {
  const system = new TestSystem();
  let slices = 0;
  let recreations = 0;
  system.kernel.everyPoint = every > 0;
  if (every > 0) {
    system.kernel.scheduler.between = () => {
      if (++slices % every !== 0) return;
      recreations++;
      for (const component of system.kernel.components) {
        component.recreate((saved) => deserialize(serialize(saved)) as SavedGroup);
      }
    };
  }
  const page = () => {
    const allocated = system.root.alloc(PAGE_BYTES);
    ok(allocated.ok);
    return allocated.value;
  };
  const [shared, nested] = [page(), page()];
  const rm = createRm(system.core, { label: "rm", donation: { ram: 1 << 20, caps: 10 } });
  ok(rm.ok);
  const [outer, inner] = [rm.value.create(1 << 20), rm.value.create(1 << 20)];
  ok(outer.ok && inner.ok);
  ok(outer.value.object!.attach(inner.value.object!.dataspace(), { address: 0, offset: 0x4000, size: 0x4000 }).ok);
  ok(inner.value.object!.attach(nested, { address: 0x4000 }).ok);
  for (const [own, areas] of [ALL, ALL, [DATA, GROWN], [DATA, PRIVATE], DETACHED].entries()) {
    const windows = areas === ALL;
    const component = system.component(`mixer-${own}`, mixer(areas, own), { load: { windows } });
    const space = component.pd.addressSpaceMap;
    if (areas.includes(PRIVATE)) ok(space.attach(page(), { address: PRIVATE }).ok);
    if (windows) {
      ok(space.attach(shared, { address: SHARED }).ok);
      ok(space.attach(outer.value.object!.dataspace(), { address: NESTED }).ok);
    }
    if (areas === DETACHED) {
      space.detach(PRIVATE);
      component.pd.linkerAreaMap.detach(0);
    }
    component.start("main");
  }
  await system.rest();
  const bytes = [shared, nested].map(({ object }) => {
    const content = new Uint8Array(PAGE_BYTES);
    object!.read(0, content);
    return content;
  });
  deepEqual(system.warnings, []);
  system.close();
  return { lines: system.lines.toSorted(), bytes, recreations };
}

test("S8, S18, S19: torture: memory of every kind survives recreation at every n-th turn", async () => {
  const expected = await run(0);
  equal(expected.lines.length, 5);
  ok(expected.bytes.every((content) => content.filter((byte) => byte !== 0).length > 100));
  for (const every of [3, 16]) {
    const { lines, bytes, recreations } = await run(every);
    deepEqual(lines, expected.lines, `every ${every}`);
    deepEqual(bytes, expected.bytes, `every ${every}`);
    ok(recreations > 5, `every ${every}: ${recreations} recreations`);
  }
});
