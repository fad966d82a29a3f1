// Which programs have redundant memory, and how far it reaches (S109).
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { test } from "node:test";
import { assemble } from "../../../test/assemble.ts";
import { TestSystem } from "../../../test/support/kernel-system.ts";
import { mirrorRoom } from "../../engine/index.ts";
import { MIRROR_SLOTS, objectOf, type RegionMap } from "../../session/index.ts";

const main = (memory: string, imports = "") =>
  assemble(`(module ${imports} ${memory}
    (global $__stack_pointer (mut i32) (i32.const 65536)) (func (export "_start")))`);
const SHARED = '(memory (export "memory") 2 100 shared)';
const SPAWNS = '(import "wasi" "thread-spawn" (func $spawn (param i32) (result i32)))';
const mirrorSlots = MIRROR_SLOTS.most;

test("S109: what cannot have a mirror runs without one, and says why", () => {
  const cases: readonly (readonly [name: string, bytes: Uint8Array, windows: boolean, why: RegExp | undefined])[] = [
    ["plain", main('(memory (export "memory") 2)'), false, undefined],
    ["windowed", main('(memory (export "memory") 2)'), true, /copied: it has windows$/],
    ["wide", main('(memory (export "memory") i64 2)'), false, /copied: its memory has 64-bit addresses$/],
    [
      "large",
      main('(memory (export "memory") 7400)'),
      false,
      /memory of 484966400 bytes has no room in a slot of \d+$/,
    ],
    ["spawns", main(`${SHARED} (data (i32.const 8) "x")`, SPAWNS), false, /instances of its threads/],
  ];
  const system = new TestSystem();
  for (const [name, bytes, windows, why] of cases) {
    const before = system.warnings.length;
    const { component } = system.component(name, bytes, { load: { mirrorSlots, windows }, ram: 2 ** 29 });
    equal(component.mirror !== undefined, why === undefined, name);
    deepEqual(system.warnings.length - before, why ? 1 : 0, name);
    if (why) match(system.warnings.at(-1)!, why);
  }
  system.close();
});

test("S109: memory does not grow beyond a slot, and says so", () => {
  const system = new TestSystem();
  const { component, pd } = system.component("a", main('(memory (export "memory") 2)'), { load: { mirrorSlots } });
  const map = objectOf<RegionMap>(pd.addressSpace(), "region-map")!;
  const page = pd.alloc(4096);
  ok(page.ok);
  const room = mirrorRoom(mirrorSlots);
  equal(room, component.mirror!.roomBytes);
  const refused = map.attach(page.value, { address: Math.ceil(room / 65_536) * 65_536 });
  equal(refused.ok, false);
  match(system.warnings.find((line) => line.includes("no room in its mirror")) ?? "", /in each of 8 slots/);
  ok(map.attach(page.value, { address: room - 65_536 - (room % 65_536) }).ok);
  system.close();
});
