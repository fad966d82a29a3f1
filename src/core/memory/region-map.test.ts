// Region maps of core beyond the shared suite: faults, what windows are needed for, limits (S15-S21).
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { test } from "node:test";
import { GuestBytes, Pool, Windows } from "../../engine/index.ts";
import { INVALID, PAGE_BYTES } from "../../session/index.ts";
import { CoreSignalSource } from "../pd/signals.ts";
import { type ComponentMemory, PlainMemory } from "./component-memory.ts";
import { createCoreContext } from "./context.ts";
import { type ByteDataspace, createDataspace, type DataspaceOptions } from "./dataspace.ts";
import type { PageFault } from "./faults.ts";
import { NESTING_LIMIT, PLACEMENT_STEPS_LIMIT } from "./limits.ts";
import { CoreRegionMap } from "./region-map.ts";

const PAGE = PAGE_BYTES;
const FREE_STORE = { take: () => true, give: () => {} };

function system() {
  const warnings: string[] = [];
  const core = createCoreContext({ warn: (message) => warnings.push(message) });
  const map = (size = 1 << 20, label = "map") => new CoreRegionMap(core, FREE_STORE, { size, label });
  const ram = (pages: number, options: Partial<DataspaceOptions> = {}): ByteDataspace =>
    createDataspace(core, { origin: "ram", size: pages * PAGE, ...options })!;
  return { core, warnings, map, ram };
}

const linear = (windows?: Windows): ComponentMemory =>
  new PlainMemory(new WebAssembly.Memory({ initial: 1, maximum: 64 }), windows);

/** A map over a component's memory. */
function component(map: CoreRegionMap, memory: ComponentMemory): CoreRegionMap {
  equal(map.bind(memory), undefined);
  return map;
}

const homeOf = (dataspace: ByteDataspace): string => dataspace.home.kind;

function faultOf(map: CoreRegionMap, address: number, access: "read" | "write" | "exec"): PageFault {
  const met = map.resolve(address, access);
  ok(!met.ok);
  return met.fault;
}

test("S19, S20: a hole faults at the innermost map, in its addresses", () => {
  const { map, ram } = system();
  const [outer, middle, inner] = [map(), map(), map()];
  outer.attach(middle.dataspace(), { address: 0x10000, offset: 0x2000, size: 0x20000 });
  middle.attach(inner.dataspace(), { address: 0x8000, offset: 0x1000, size: 0x4000 });
  inner.attach(ram(1).capability, { address: 0x1000 });
  const brief = (address: number) => {
    const { map: at, address: where, nested } = faultOf(outer, address, "read");
    return [[outer, middle, inner].indexOf(at), where, nested];
  };
  deepEqual(brief(0x100), [0, 0x100, false]);
  deepEqual(brief(0x10004), [1, 0x2004, true]);
  ok(outer.resolve(0x16004, "read").ok);
  deepEqual(brief(0x17004), [2, 0x2004, true]);
});

test("S21: writing where any region on the way is read-only faults at that region's map", () => {
  const { map, ram } = system();
  const [outer, inner] = [map(), map()];
  inner.attach(ram(1).capability, { address: 0, writeable: false });
  inner.attach(ram(1).capability, { address: PAGE });
  inner.attach(ram(1, { origin: "rom" }).capability, { address: 2 * PAGE });
  outer.attach(inner.dataspace(), { address: 0, size: 16 * PAGE });
  outer.attach(inner.dataspace(), { address: 16 * PAGE, size: 16 * PAGE, writeable: false });
  equal(faultOf(outer, 0, "write").map, inner);
  equal(faultOf(outer, 2 * PAGE, "write").map, inner);
  ok(outer.resolve(PAGE, "write").ok);
  deepEqual(
    { ...faultOf(outer, 17 * PAGE, "write"), map: 0 },
    { map: 0, address: 17 * PAGE, type: "write-fault", nested: false },
  );
  equal(faultOf(outer, 17 * PAGE, "write").map, outer);
  ok(outer.resolve(17 * PAGE, "read").ok);
});

test("S21: executing what is not executable faults, on every level", () => {
  const { map, ram } = system();
  const [outer, inner] = [map(), map()];
  inner.attach(ram(1).capability, { address: 0, executable: true });
  inner.attach(ram(1).capability, { address: PAGE });
  outer.attach(inner.dataspace(), { address: 0, size: 2 * PAGE, executable: true });
  outer.attach(inner.dataspace(), { address: 2 * PAGE, size: 2 * PAGE });
  equal(outer.checkExecutable(0), undefined);
  equal(outer.checkExecutable(PAGE)?.type, "exec-fault");
  equal(outer.checkExecutable(PAGE)?.map, inner);
  equal(outer.checkExecutable(2 * PAGE)?.map, outer);
  equal(outer.checkExecutable(0x8000)?.map, outer);
});

test("S20: the handler is told of each fault, state names the first, and a covering attachment resumes", () => {
  const { core, map, ram } = system();
  const source = new CoreSignalSource(core);
  const handler = source.createContext(5);
  const one = map();
  one.faultHandler(handler.capability);
  const resumed: string[] = [];
  one.faults.wait(faultOf(one, 0x3004, "write"), () => resumed.push("a"));
  one.faults.wait(faultOf(one, 0x5008, "read"), () => resumed.push("b"));
  one.faults.wait(faultOf(one, 0x3ffc, "read"), () => resumed.push("c"));
  deepEqual(source.take(), { imprint: 5, count: 3 });
  deepEqual(one.state(), { type: "write-fault", address: 0x3004 });
  one.attach(ram(1).capability, { address: 0x4000 });
  deepEqual(resumed, []);
  one.attach(ram(1).capability, { address: 0x3000 });
  deepEqual(resumed, ["a", "c"]);
  deepEqual(one.state(), { type: "read-fault", address: 0x5008 });
  one.attach(ram(4).capability, { address: 0x5000 });
  deepEqual(resumed, ["a", "c", "b"]);
  deepEqual(one.state(), { type: "ready", address: 0 });
});

test("S20: without a handler a thread stays stopped, and a waiter that is cancelled is forgotten", () => {
  const { map, ram } = system();
  const one = map();
  let resumed = 0;
  const first = one.faults.wait(faultOf(one, 0, "read"), () => resumed++);
  one.faults.wait(faultOf(one, PAGE, "exec"), () => resumed++);
  equal(one.faults.handled, false);
  first.cancel();
  first.cancel();
  deepEqual(one.state(), { type: "exec-fault", address: PAGE });
  one.attach(ram(1).capability, { address: 0 });
  equal(resumed, 0);
});

test("S19, S88: threads that waited at a map before they were saved do so in their places, and nobody is told again", () => {
  const map = system().map();
  const resumed: string[] = [];
  const fault = faultOf(map, 0x3000, "write");
  const places = [
    map.faults.wait(fault, () => resumed.push("new")),
    map.faults.waitAgain(fault, () => resumed.push("third"), 2),
    map.faults.waitAgain(faultOf(map, 0x3008, "read"), () => resumed.push("first"), 0),
    map.faults.waitAgain(fault, () => resumed.push("second"), 1),
  ].map((waiter) => waiter.place);
  deepEqual(
    places.map((place) => place()),
    [3, 2, 0, 1],
  );
  deepEqual(map.faults.state(), { type: "read-fault", address: 0x3008 }, "the first one's");
  map.faults.attached(0x3000, 0x4000);
  deepEqual(resumed, ["first", "second", "third", "new"]);
});

test("S20: a refused attachment resumes nobody", () => {
  const { map, ram } = system();
  const one = component(map(), linear());
  const dataspace = ram(1);
  let resumed = 0;
  one.attach(dataspace.capability, { address: 0 });
  one.faults.wait(faultOf(one, PAGE, "read"), () => resumed++);
  equal(one.attach(dataspace.capability, { address: PAGE }).ok, false);
  equal(resumed, 0);
});

const REFUSALS: readonly (readonly [
  string,
  (one: CoreRegionMap, with_: ReturnType<typeof system>) => unknown,
  RegExp,
])[] = [
  [
    "attached already",
    (one, { ram }) => {
      const dataspace = ram(1);
      one.attach(dataspace.capability);
      return one.attach(dataspace.capability);
    },
    /attached already needs windows/,
  ],
  [
    "attached in another component without windows",
    (one, { map, ram }) => {
      const dataspace = ram(1);
      component(map(), linear()).attach(dataspace.capability);
      return one.attach(dataspace.capability);
    },
    /attached already needs windows/,
  ],
  [
    "attached read-only",
    (one, { ram }) => one.attach(ram(1).capability, { writeable: false }),
    /read-only region needs windows/,
  ],
  [
    "not writable",
    (one, { ram }) => one.attach(ram(1, { writable: false }).capability),
    /read-only region needs windows/,
  ],
  ["a managed dataspace", (one, { map }) => one.attach(map(PAGE).dataspace()), /managed dataspace needs windows/],
];

for (const [name, attach, message] of REFUSALS) {
  test(`S15: without windows a dataspace is refused that is ${name}, and named`, () => {
    const all = system();
    const one = component(all.map(), linear());
    deepEqual(attach(one, all), { ok: false, reason: "region-conflict" });
    equal(all.warnings.length, 1);
    match(all.warnings[0]!, message);
  });
}

test("S15: a program without windows is not loaded where a managed dataspace is attached already", () => {
  const { map, ram, warnings } = system();
  const [outer, area] = [map(), map()];
  outer.attachFree(area.dataspace(), { address: 0, size: 1 << 18 });
  area.attach(ram(1).capability, { address: 0 });
  area.attach(map().dataspace(), { address: PAGE, size: PAGE });
  equal(outer.bind(linear())?.reason, "needs-windows");
  match(warnings[0]!, /managed dataspace needs windows/);
  equal(outer.space, undefined);
  equal(outer.bind(linear(new Windows(new Pool()))), undefined);
});

test("S20: a fault handler for a program that never faults is warned of", () => {
  const { core, map, warnings } = system();
  const one = component(map(), linear());
  one.faultHandler(INVALID);
  equal(warnings.length, 0);
  one.faultHandler(new CoreSignalSource(core).createContext(1).capability);
  ok(/never faults/.test(warnings[0]!));
});

test("S18: attached once, bytes lie in linear memory; attached again elsewhere with windows they move to the pool", () => {
  const { map, ram } = system();
  const pool = new Pool();
  const [a, b] = [new Windows(pool), new Windows(pool)];
  a.limit = 1 << 20;
  const memory = linear(a);
  const [one, two] = [component(map(), memory), component(map(), linear(b))];
  const dataspace = ram(2);
  dataspace.write(PAGE, Uint8Array.of(1, 2, 3));
  equal(homeOf(dataspace), "buffer");
  const at = one.attach(dataspace.capability, { address: 0x20000 });
  ok(at.ok);
  equal(homeOf(dataspace), "linear");
  deepEqual([...memory.view(0x20000 + PAGE, 3)], [1, 2, 3]);
  equal(a.limit, 1 << 20);
  ok(two.attach(dataspace.capability, { address: 0 }).ok);
  equal(homeOf(dataspace), "pool");
  equal(a.limit, 0x20000);
  const guest = new GuestBytes(new WebAssembly.Memory({ initial: 1 }), a);
  deepEqual(guest.read(0x20000 + PAGE, 3), Uint8Array.of(1, 2, 3));
  guest.write(0x20000, Uint8Array.of(9));
  deepEqual(new GuestBytes(undefined, b).read(0, 1), Uint8Array.of(9));
});

test("S17: with windows, what was detached from linear memory faults from then on, and keeps its bytes", () => {
  const { map, ram } = system();
  const windows = new Windows(new Pool());
  windows.limit = 1 << 20;
  const memory = linear(windows);
  const one = component(map(), memory);
  const [gone, stays] = [ram(1), ram(1)];
  one.attach(gone.capability, { address: 0x10000 });
  one.attach(stays.capability, { address: 0x20000 });
  const guest = new GuestBytes((memory as PlainMemory).memory, windows);
  guest.write(0x10000, Uint8Array.of(5));
  guest.write(0x20000, Uint8Array.of(6));
  one.detach(0x10000);
  deepEqual(guest.read(0x10000, 1), { kind: "fault", type: "read", address: 0x10000 });
  deepEqual(guest.read(0x20000, 1), Uint8Array.of(6));
  const byte = Uint8Array.of(0);
  gone.read(0, byte);
  equal(byte[0], 5);
});

test("S15: when the pool is full nothing has moved", () => {
  const { map, ram } = system();
  const pool = new Pool(65536); // 15 pages, because page 0 is nobody's
  const windows = new Windows(pool);
  windows.limit = 1 << 20;
  const memory = linear(windows);
  const one = component(map(), memory);
  const [first, second] = [ram(8), ram(8)];
  one.attach(first.capability, { address: 0 });
  one.attach(second.capability, { address: 8 * PAGE });
  first.write(3, Uint8Array.of(33));
  second.write(4, Uint8Array.of(44));
  deepEqual(one.attach(first.capability, { address: 0x40000 }), { ok: false, reason: "out-of-ram" });
  deepEqual([first.home.kind, second.home.kind, windows.limit, pool.usedBytes], ["linear", "linear", 1 << 20, 0]);
  deepEqual([memory.view(3, 1)[0], memory.view(8 * PAGE + 4, 1)[0]], [33, 44]);
  equal(one.resolve(0x40000, "read").ok, false);
});

test("S15: when linear memory cannot grow any more, attach is refused with out-of-ram and undone", () => {
  const { map, ram } = system();
  const one = component(map(1 << 26), linear());
  const dataspace = ram(1);
  deepEqual(one.attach(dataspace.capability, { address: 64 * 65536 }), { ok: false, reason: "out-of-ram" });
  equal(one.regions.count + dataspace.regions.size + dataspace.uses.size, 0);
  ok(one.attach(dataspace.capability, { address: 64 * 65536 - PAGE }).ok);
});

test("S8: memory that nobody touched is not allocated, and linear memory that was used before is cleared", () => {
  const { map, ram } = system();
  const memory = linear();
  const one = component(map(), memory);
  const first = ram(1);
  one.attach(first.capability, { address: 0 });
  memory.view(7, 1)[0] = 7;
  first.dispose();
  one.attach(ram(1).capability, { address: 0 });
  equal(memory.view(7, 1)[0], 0);
  // 2^51 bytes could not be allocated anywhere.
  equal(ram(2 ** 39).read(2 ** 50, new Uint8Array(8)), 8);
});

test("S15: ROM in components without windows is a copy that the owner's writes reach", () => {
  const { map, ram } = system();
  const rom = ram(2, { origin: "rom", content: Uint8Array.of(1, 2) });
  const memories = [linear(), linear()];
  for (const memory of memories) ok(component(map(), memory).attach(rom.capability, { address: 0, offset: PAGE }).ok);
  equal(rom.write(0, Uint8Array.of(9)), 0);
  equal(rom.fill(PAGE - 1, Uint8Array.of(3, 4)), 2);
  for (const memory of memories) deepEqual([...memory.view(0, 2)], [4, 0]);
});

test("S19: maps nest up to the limit, and not deeper", () => {
  const { map, ram, warnings } = system();
  const chain = Array.from({ length: NESTING_LIMIT + 1 }, () => map(1 << 20));
  for (let i = 0; i < NESTING_LIMIT - 1; i++) ok(chain[i]!.attach(chain[i + 1]!.dataspace(), { size: 16 * PAGE }).ok);
  ok(chain[NESTING_LIMIT - 1]!.attach(ram(1).capability, { address: 0 }).ok);
  ok(chain[0]!.resolve(0, "read").ok);
  deepEqual(chain[NESTING_LIMIT - 1]!.attach(chain[NESTING_LIMIT]!.dataspace(), { size: PAGE }), {
    ok: false,
    reason: "region-conflict",
  });
  ok(/nest at most/.test(warnings[0]!));
});

test("S14: maps that contain each other many times over are refused before they cost much", () => {
  const { map, ram, warnings } = system();
  const sizes = Array.from({ length: 12 }, (_, level) => PAGE * 4 ** level);
  const levels = sizes.map((size) => map(size));
  levels[0]!.attach(ram(1).capability);
  for (let i = 1; i < levels.length; i++) for (let k = 0; k < 4; k++) levels[i]!.attach(levels[i - 1]!.dataspace());
  const root = component(map(2 ** 40), linear(new Windows(new Pool())));
  deepEqual(root.attach(levels.at(-1)!.dataspace()), { ok: false, reason: "region-conflict" });
  ok(/too many pieces/.test(warnings[0]!));
  ok(root.attach(levels[3]!.dataspace()).ok);
});

test("S18: a component's memory that ends gives the bytes back to their dataspaces", () => {
  const { map, ram } = system();
  const memory = linear();
  const one = component(map(), memory);
  const dataspace = ram(3);
  one.attach(dataspace.capability, { address: 0, offset: PAGE, size: PAGE });
  memory.view(1, 1)[0] = 11;
  one.unbind();
  equal(dataspace.home.kind, "buffer");
  const bytes = new Uint8Array(3 * PAGE);
  dataspace.read(0, bytes);
  equal(bytes[PAGE + 1], 11);
  component(one, linear());
  equal(dataspace.home.kind, "linear");
});

test("S18: a dataspace that nobody has attached any more moves to another pool; ROM keeps its copies meanwhile", () => {
  const { map, ram } = system();
  const rom = ram(1, { origin: "rom", content: Uint8Array.of(8) });
  const copy = linear();
  ok(component(map(), copy).attach(rom.capability, { address: 0 }).ok);
  const pools = [new Pool(), new Pool()];
  for (const pool of pools) {
    const windows = new Windows(pool);
    const one = component(map(), linear(windows));
    ok(one.attach(rom.capability, { address: 0 }).ok);
    deepEqual(new GuestBytes(undefined, windows).read(0, 1), Uint8Array.of(8));
    if (pool === pools[0]) {
      const refused = component(map(), linear(new Windows(pools[1]!))).attach(rom.capability);
      deepEqual(refused, { ok: false, reason: "region-conflict" });
    }
    one.detach(0);
  }
  equal(pools[0]!.usedBytes, 0);
  rom.fill(0, Uint8Array.of(9));
  equal(copy.view(0, 1)[0], 9);
});

test("S14: as many regions as one likes, attached one by one, can be shown in a fresh memory again", () => {
  const { map, ram } = system();
  const COUNT = PLACEMENT_STEPS_LIMIT + 10;
  const one = component(map(2 ** 31), linear(new Windows(new Pool())));
  const dataspace = ram(1);
  for (let i = 0; i < COUNT; i++) one.attach(dataspace.capability, { address: i * PAGE });
  equal(dataspace.uses.size, COUNT);
  one.unbind();
  component(one, linear(new Windows(new Pool())));
  equal(dataspace.uses.size, COUNT);
});
